import type { TestContext } from 'node:test'
import { stomp } from '../../src/adapters/stomp/index.ts'
import type { Limits, LinkEvent, Sink } from '../../src/core/adapter.ts'
import type { Message } from '../../src/core/message.ts'
import { type Answer, type FakeBroker, polite, type Said } from './stomp-fake.ts'

export const never = new AbortController().signal

export async function open(
  t: TestContext,
  broker: FakeBroker,
  { to = { queue: 'Q' } as object, via = {} } = {},
) {
  const events: LinkEvent[] = []
  const kind = stomp.sink!
  const at = {
    connection: stomp.connection.parse({ urls: [broker.url], connect_timeout: '2s', ...via }),
    connectionName: 'mq',
    route: 'orders',
    options: kind.options.parse(to),
  }
  const link = async () => {
    const sink: Sink = (await kind.open(at, {
      signal: never,
      report: e => events.push(e),
    })) as unknown as Sink
    t.after(() => sink.close())
    return sink
  }
  const sink = await link()
  const prepare = (
    body: string,
    address = kind.address!(at),
    more: Partial<Message> = {},
    limits: Limits = sink.limits,
  ) =>
    kind.prepare(at, limits, {
      address,
      body: { kind: 'text', text: body },
      headers: {},
      properties: {},
      ...more,
    })
  const send = (body: string, address?: string, signal = never) => sink.send(prepare(body, address), signal)
  return { sink, link, prepare, send, events }
}

export const bodyOf = (said: Said): string => [...said.headers.values()].at(-1)!
export const receipt = (said: Said): string => `RECEIPT\nreceipt-id:${said.headers.get('receipt')}\n\n\0`

/** Answers a SEND as the test says, and all else politely. */
export const answering =
  (server: string, answer: (said: Said) => string | undefined): Answer =>
  said => {
    const beside = polite(`version:1.2\nserver:${server}\nheart-beat:0,0`)
    if (said.command !== 'SEND' || said.headers.has('transaction')) return beside(said)
    return answer(said)
  }

/** What RabbitMQ says to the question whether a queue is there. */
export const words = {
  there: "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'Q' in vhost '/'",
  missing: "PRECONDITION_FAILED - invalid arg 'x-max-length' for queue 'Q' in vhost '/'",
  forbidden: "ACCESS_REFUSED - configure access to queue 'Q' in vhost '/' refused for user 'u'",
} as const

export const error = (words: string): string => `ERROR\nmessage:${words}\n\n\0`

/** RabbitMQ with queues as `ask` says, and `answer` for what is sent to them. */
export const rabbit =
  (
    ask: (queue: string) => string | undefined,
    answer: (said: Said) => string | undefined = receipt,
  ): Answer =>
  said => {
    const queue = said.headers.get('destination')?.replace(/^\/queue\//, '') ?? ''
    if (said.command === 'SEND' && said.headers.has('transaction')) return ask(queue)
    return answering('RabbitMQ/4.0.5', answer)(said)
  }
