import { randomUUID } from 'node:crypto'
import type { Body, Headers } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import type { Broker } from '../support/brokers.ts'
import type { Example, SourceFixture, TcpAddress } from './fixture.ts'
import { StompClient } from './stomp-client.ts'

/** Makes and removes queues, and says where to send to reach one. */
interface Rooms {
  destination(name: string): { readonly to: string; readonly headers: readonly string[] }
  make(name: string): Promise<void>
  /** Takes the queue away from under its consumer, where the broker can. */
  remove?(name: string): Promise<void>
}

/** Headers as the sender's client wrote them on the wire, and as they must arrive. */
const oddHeaders: readonly (readonly [wire: string, name: string, value: string])[] = [
  ['path:C\\c\\\\new\\\\tmp', 'path', 'C:\\new\\tmp'],
  ['lines:a\\nb\\\\n', 'lines', 'a\nb\\n'],
  ['na\\cme:colon', 'na:me', 'colon'],
  ['Stra\u00dfe:gr\u00fc\u00df', 'Stra\u00dfe', 'gr\u00fc\u00df'],
  ['emoji:\u{1f600}', 'emoji', '\u{1f600}'],
  ['blanks:  a b  ', 'blanks', '  a b  '],
]

/** Whose body is text where the broker knows text from bytes. */
const bodyOf = (knowsText: boolean, body: string): Body =>
  knowsText ? { kind: 'text', text: body } : { kind: 'bytes', bytes: Buffer.from(body) }

interface Sample {
  readonly title: string
  readonly headers: readonly string[]
  readonly body: string | Uint8Array
  readonly expected: (knowsText: boolean) => Example['expected']
}

const samples: readonly Sample[] = [
  {
    title: 'headers with backslash, colon, line break, blanks, non-ASCII and an emoji',
    headers: oddHeaders.map(([wire]) => wire),
    body: 'x',
    expected: () => ({ headers: Object.fromEntries(oddHeaders.map(([, n, v]) => [n, text(v)])) as Headers }),
  },
  {
    title: 'a text with emoji',
    headers: [],
    body: 'Gr\u00fc\u00dfe \u{1f600}\u{1f680}',
    expected: knowsText => ({ body: bodyOf(knowsText, 'Gr\u00fc\u00dfe \u{1f600}\u{1f680}') }),
  },
  {
    title: 'bytes that happen to be text',
    headers: [],
    body: Buffer.from('plain'),
    expected: () => ({ body: { kind: 'bytes', bytes: Buffer.from('plain') } }),
  },
  {
    title: 'thirty headers',
    headers: Array.from({ length: 30 }, (_, i) => `h${i}:${i}`),
    body: 'x',
    expected: () => ({
      headers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`h${i}`, text(String(i))])),
    }),
  },
  {
    title: 'what every broker calls by the same name',
    headers: ['correlation-id:c-1', 'content-type:application/json', 'priority:7'],
    body: '{}',
    expected: () => ({
      properties: {
        correlationId: text('c-1'),
        contentType: 'application/json',
        priority: 7,
        durable: true,
      },
    }),
  },
]

export const titles: readonly string[] = samples.map(s => s.title)

/** The source suite's view of one broker. */
export async function stompFixture(broker: Broker): Promise<SourceFixture> {
  const address: TcpAddress = { host: broker.host, port: broker.ports.stomp! }
  const client = await StompClient.open(address, broker)
  const rooms = roomsOf(broker, client)
  const send = (name: string, body: string | Uint8Array, headers: readonly string[] = []): Promise<void> => {
    const { to, headers: more } = rooms.destination(name)
    return client.send(to, body, [...more, ...headers])
  }
  const knowsText = !broker.name.startsWith('rabbitmq')
  return {
    address,
    async create() {
      const name = `stomp-${randomUUID()}`
      await rooms.make(name)
      return name
    },
    endpoint: (name, via = address) => ({
      connection: {
        urls: [`stomp://${via.host}:${via.port}`],
        username: broker.username,
        password: broker.password,
      },
      source: { queue: name },
    }),
    produce: async (name, bodies) => {
      await Promise.all(bodies.map(body => send(name, body)))
    },
    ...(rooms.remove && { detach: rooms.remove }),
    examples: samples.map(({ title, headers, body, expected }) => ({
      title,
      send: (name: string) => send(name, body, headers),
      expected: expected(knowsText),
    })),
    close: () => client.close(),
  }
}

function roomsOf(broker: Broker, client: StompClient): Rooms {
  if (broker.name === 'activemq') {
    return { destination: name => ({ to: `/queue/${name}`, headers: [] }), make: async () => {} }
  }
  if (broker.name === 'artemis') {
    const manage = (operation: string, args: unknown[]) =>
      client.send('activemq.management', JSON.stringify(args), [
        '_AMQ_ResourceName:broker',
        `_AMQ_OperationName:${operation}`,
      ])
    return {
      destination: name => ({ to: name, headers: ['destination-type:ANYCAST'] }),
      make: async () => {},
      remove: name => manage('destroyQueue', [name, true]),
    }
  }
  const queue = (method: string) => async (name: string) => {
    const login = Buffer.from(`${broker.username}:${broker.password}`).toString('base64')
    const answer = await fetch(`http://${broker.host}:${broker.ports.http}/api/queues/%2F/${name}`, {
      method,
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      ...(method === 'PUT' && { body: '{"durable":true}' }),
    })
    const said = await answer.text() // a body that nobody reads keeps its socket, and so the process
    if (!answer.ok) throw new Error(`${method} of queue ${name}: ${answer.status} ${said}`)
  }
  return {
    destination: name => ({ to: `/amq/queue/${name}`, headers: [] }),
    make: queue('PUT'),
    remove: queue('DELETE'),
  }
}
