import type { ConsumeMessage, Options } from 'amqplib'
import { connect } from 'amqplib'
import { keepRawProperties } from '../../../src/adapters/amqp091/frames.ts'
import type { Value } from '../../../src/core/value.ts'
import type { Broker } from '../../support/brokers.ts'
import { expiry, type Specimen, specimenName } from '../aspects.ts'
import { digits, hex, octets, quoted } from '../show.ts'
import { type Client, type Seen, withCarried } from './client.ts'

/** AMQP 0-9-1 by amqplib. What it receives is read here, letter by letter, since amqplib forgets the types of headers. */
export async function amqp091Client({ host, ports, username, password }: Broker): Promise<Client> {
  const at = { hostname: host, port: ports.amqp!, username, password }
  const model = await connect(at)
  const reading = await connect(at)
  keepRawProperties(reading.connection)
  const sender = await model.createConfirmChannel()
  const receiver = await reading.createChannel()
  return {
    connection: { protocol: 'amqp091', urls: [`amqp://${host}:${ports.amqp}`], username, password },
    source: place => ({ queue: place }),
    sink: place => ({ queue: place }),
    make: async place => void (await sender.assertQueue(place, { durable: true, expires: 600_000 })),
    receive: async (place, seen) =>
      void (await receiver.consume(place, message => message && seen(readMessage(message)), { noAck: true })),
    async send(place, specimens) {
      for (const specimen of specimens) sender.sendToQueue(place, bodyOf(specimen), optionsOf(specimen))
      await sender.waitForConfirms()
    },
    close: async () => {
      await model.close()
      await reading.close()
    },
  }
}

function bodyOf({ body }: Specimen): Buffer {
  if (body.kind === 'text') return Buffer.from(body.text)
  if (body.kind === 'bytes') return Buffer.from(body.bytes)
  throw new Error(`AMQP 0-9-1 has no body of ${body.kind}`)
}

const amqplibNames: Readonly<Record<string, string>> = { float32: 'float', float64: 'double' }

function wire(value: Value): unknown {
  switch (value.type) {
    case 'null':
      return null
    case 'bool':
    case 'string':
      return value.value
    case 'bytes':
      return Buffer.from(value.value)
    case 'timestamp':
      return { '!': 'timestamp', value: value.value / 1000 }
    case 'decimal':
      return { '!': 'decimal', value: { places: 2, digits: Math.round(Number(value.value) * 100) } }
    case 'list':
      return value.value.map(wire)
    case 'map':
      return Object.fromEntries(value.value.map(([k, v]) => [k.type === 'string' ? k.value : '', wire(v)]))
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'float32':
    case 'float64':
      return { '!': amqplibNames[value.type] ?? value.type, value: value.value }
    default:
      throw new Error(`AMQP 0-9-1 has no ${value.type}`)
  }
}

function optionsOf({ id, headers, properties: p }: Specimen): Options.Publish {
  const textOf = (value: Value | undefined) => (value?.type === 'string' ? value.value : undefined)
  const own: [keyof Options.Publish, unknown][] = [
    ['messageId', textOf(p.messageId)],
    ['correlationId', textOf(p.correlationId)],
    ['replyTo', p.replyTo],
    ['contentType', p.contentType],
    ['contentEncoding', p.contentEncoding],
    ['type', p.subject],
    ['priority', p.priority],
    ['persistent', p.durable ?? true],
    ['expiration', p.expiresAt === undefined ? undefined : p.expiresAt - Date.now()],
    ['timestamp', p.createdAt === undefined ? undefined : Math.floor(p.createdAt / 1000)],
    ['appId', p.appId],
  ]
  return {
    ...Object.fromEntries(own.filter(([, value]) => value !== undefined)),
    headers: {
      [specimenName]: id,
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, wire(value)])),
    },
  }
}

/** By flag, highest first (AMQP 0-9-1, 4.2.6.1). */
const shortStrings: readonly (readonly [flag: number, name: string, field: string])[] = [
  [0x8000, 'contentType', 'content-type'],
  [0x4000, 'contentEncoding', 'content-encoding'],
  [0x2000, 'headers', ''],
  [0x1000, 'durable', 'delivery-mode'],
  [0x0800, 'priority', 'priority'],
  [0x0400, 'correlationId', 'correlation-id'],
  [0x0200, 'replyTo', 'reply-to'],
  [0x0100, 'expiresAt', 'expiration'],
  [0x0080, 'messageId', 'message-id'],
  [0x0040, 'createdAt', 'timestamp'],
  [0x0020, 'subject', 'type'],
  [0x0010, 'userId', 'user-id'],
  [0x0008, 'appId', 'app-id'],
]

function readMessage({ content, properties }: ConsumeMessage): Seen {
  const reader = new Fields((properties as unknown as { raw: Buffer }).raw)
  const own: Record<string, string> = {}
  let headers: ReadonlyMap<string, string> = new Map()
  const flags = reader.number(2)
  for (const [flag, name, field] of shortStrings) {
    if (!(flags & flag)) continue
    if (name === 'headers') headers = new Map(reader.block(r => [r.short(), r.value()] as const))
    else if (name === 'durable' || name === 'priority') own[name] = `${field} ${reader.number(1)}`
    else if (name === 'createdAt') own[name] = `${field} ${reader.number(8)}`
    else if (name === 'expiresAt') own[name] = expiryWords(field, Number(reader.short()))
    else own[name] = `${field} ${quoted(reader.short())}`
  }
  const said = (name: string) => {
    const value = headers.get(name)
    return value === undefined ? undefined : (JSON.parse(value.replace(/^string /, '')) as string)
  }
  return {
    specimen: said(specimenName) ?? '',
    body: octets(content),
    headers: Object.fromEntries(headers),
    properties: withCarried(own, said('sluice_properties')),
  }
}

const expiryWords = (field: string, ttl: number) =>
  Math.abs(Date.now() + ttl - expiry) < 20_000 ? field : `${field} ${ttl}`

/** The types of RabbitMQ's AMQP 0-9-1 errata. */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  number(width: 1 | 2 | 4 | 8): number {
    const at = this.#take(width)
    return width === 8 ? Number(this.#bytes.readBigUInt64BE(at)) : this.#bytes.readUIntBE(at, width)
  }

  short(): string {
    const length = this.number(1)
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  block<T>(read: (inner: Fields) => T): T[] {
    const inner = new Fields(this.#long())
    const items: T[] = []
    while (inner.#at < inner.#bytes.length) items.push(read(inner))
    return items
  }

  value(): string {
    const bytes = this.#bytes
    const letter = String.fromCharCode(this.number(1))
    switch (letter) {
      case 't':
        return `bool ${this.number(1) !== 0}`
      case 'b':
        return `int8 ${bytes.readInt8(this.#take(1))}`
      case 'B':
        return `uint8 ${this.number(1)}`
      case 's':
        return `int16 ${bytes.readInt16BE(this.#take(2))}`
      case 'u':
        return `uint16 ${this.number(2)}`
      case 'I':
        return `int32 ${bytes.readInt32BE(this.#take(4))}`
      case 'i':
        return `uint32 ${this.number(4)}`
      case 'l':
        return `int64 ${bytes.readBigInt64BE(this.#take(8))}`
      case 'f':
        return `float ${digits(bytes.readFloatBE(this.#take(4)))}`
      case 'd':
        return `double ${digits(bytes.readDoubleBE(this.#take(8)))}`
      case 'D': {
        const places = this.number(1)
        return `decimal ${this.number(4) / 10 ** places}`
      }
      case 'S':
        return `string ${quoted(this.#long().toString())}`
      case 'x':
        return `bytes ${hex(this.#long())}`
      case 'T':
        return `timestamp ${this.number(8)}`
      case 'V':
        return 'void'
      case 'A':
        return `array [${this.block(r => r.value()).join(', ')}]`
      case 'F':
        return `table {${this.block(r => `${r.short()}: ${r.value()}`).join(', ')}}`
      default:
        return `unknown ${letter}`
    }
  }

  #long(): Buffer {
    const length = this.number(4)
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  #take(length: number): number {
    const at = this.#at
    this.#at += length
    return at
  }
}
