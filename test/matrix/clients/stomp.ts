import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { StompClient } from '../../adapters/stomp-client.ts'
import type { Broker } from '../../support/brokers.ts'
import { expiry, type Specimen, specimenName } from '../aspects.ts'
import { octets, quoted } from '../show.ts'
import { type Client, type Seen, withCarried } from './client.ts'

/** What the brokers spell in their own ways. */
export interface StompDialect {
  destination(place: string): string
  readonly send: readonly string[]
  readonly subscribe: readonly string[]
  /** Headers that are properties here, by the name of the property, as they are written and as they are read. */
  readonly names: Readonly<Record<string, string>>
  readonly readNames: Readonly<Record<string, string>>
  make(place: string): Promise<void>
}

/** STOMP 1.2 by a client of a few lines. */
export async function stompClient(
  { host, ports, username, password }: Broker,
  dialect: StompDialect,
): Promise<Client> {
  const at = { host, port: ports.stomp! }
  const sender = await StompClient.open(at, { username, password })
  const sockets: Socket[] = []
  return {
    connection: { protocol: 'stomp', urls: [`stomp://${host}:${ports.stomp}`], username, password },
    source: place => ({ queue: place }),
    sink: place => ({ queue: place }),
    make: dialect.make,
    async receive(place, seen) {
      const socket = connect(at.port, at.host)
      sockets.push(socket)
      await once(socket, 'connect')
      const subscribed = Promise.withResolvers<void>()
      let rest = Buffer.alloc(0)
      socket.on('error', subscribed.reject)
      socket.on('data', chunk => {
        rest = Buffer.concat([rest, chunk])
        for (let frame = frameOf(rest); frame; frame = frameOf(rest)) {
          rest = rest.subarray(frame.end)
          if (frame.command === 'MESSAGE') seen(readFrame(frame, dialect))
          else if (frame.command === 'RECEIPT') subscribed.resolve()
          else if (frame.command === 'ERROR') subscribed.reject(new Error(String(frame.body)))
        }
      })
      const to = `destination:${dialect.destination(place)}`
      const lines = [...dialect.subscribe, to, 'id:1', 'ack:auto', 'receipt:r'].join('\n')
      socket.write(`CONNECT\naccept-version:1.2\nhost:/\nlogin:${username}\npasscode:${password}\n\n\0`)
      socket.write(`SUBSCRIBE\n${lines}\n\n\0`)
      await subscribed.promise
    },
    async send(place, specimens) {
      const to = dialect.destination(place)
      for (const specimen of specimens) {
        const { body } = specimen
        if (body.kind !== 'text' && body.kind !== 'bytes')
          throw new Error(`STOMP has no body of ${body.kind}`)
        const content = body.kind === 'text' ? body.text : Buffer.from(body.bytes)
        await sender.say(
          'SEND',
          [`destination:${to}`, ...dialect.send, ...headersOf(specimen, dialect)],
          content,
        )
      }
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await sender.close()
    },
  }
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' }
const escaped = (text: string) => text.replace(/[\\\r\n:]/g, c => escapes[c]!)
const unescaped = (text: string) =>
  text.replace(/\\([\\rnc])/g, (_, c: string) => ({ '\\': '\\', r: '\r', n: '\n', c: ':' })[c]!)

function headersOf({ id, headers, properties }: Specimen, { names }: StompDialect): string[] {
  const own = Object.entries({ durable: true, ...properties }).map(([name, value]): [string, string] => {
    const said = typeof value === 'object' && 'value' in value ? value.value : value
    return [names[name]!, name === 'expiresAt' && names[name] === 'expiration' ? ttl() : String(said)]
  })
  const others = Object.entries(headers).map(([name, value]): [string, string] => {
    if (value.type !== 'string') throw new Error(`STOMP has no ${value.type}`)
    return [name, value.value]
  })
  return [[specimenName, id] as const, ...own, ...others].map(([n, v]) => `${escaped(n)}:${escaped(v)}`)
}

const ttl = () => String(expiry - Date.now())

interface Frame {
  readonly command: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  readonly end: number
}

function frameOf(bytes: Buffer): Frame | undefined {
  let start = 0
  while (bytes[start] === 10 || bytes[start] === 13) start++
  const headEnd = bytes.indexOf('\n\n', start)
  if (headEnd < 0) return undefined
  const [command = '', ...lines] = bytes.toString('utf8', start, headEnd).split('\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = unescaped(line.slice(0, colon))
    if (!headers.has(name)) headers.set(name, unescaped(line.slice(colon + 1)))
  }
  const from = headEnd + 2
  const length = headers.get('content-length')
  const end = length === undefined ? bytes.indexOf(0, from) : from + Number(length)
  if (end < 0 || end >= bytes.length) return undefined
  return { command, headers, body: bytes.subarray(from, end), end: end + 1 }
}

function readFrame({ headers, body }: Frame, { readNames }: StompDialect): Seen {
  const own = Object.entries(readNames).map(([property, header]): [string, string | undefined] => {
    const value = headers.get(header)
    if (value === undefined) return [property, undefined]
    return [property, property === 'expiresAt' ? expiryWords(header, value) : `${header}:${value}`]
  })
  const json = headers.get('sluice_properties')
  return {
    specimen: headers.get(specimenName) ?? '',
    body: headers.has('content-length') ? `bytes ${octets(body)}` : `text ${octets(body)}`,
    headers: Object.fromEntries(Array.from(headers, ([name, value]) => [name, quoted(value)])),
    properties: withCarried(Object.fromEntries(own), json),
  }
}

function expiryWords(header: string, value: string): string {
  const at = header === 'expiration' ? Date.now() + Number(value) : Number(value)
  return Math.abs(at - expiry) < 20_000 ? header : `${header}:${value}`
}
