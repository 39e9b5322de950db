import { once } from 'node:events'
import rhea, { type Connection, type EventContext, type Message, type Typed } from 'rhea'
import type { Value } from '../../../src/core/value.ts'
import { Producer, Reader, typedMap, types } from '../../adapters/amqp10-client.ts'
import type { Broker } from '../../support/brokers.ts'
import { expiry, type Specimen, specimenName } from '../aspects.ts'
import { digits, hex, octets, quoted } from '../show.ts'
import { type Client, type Seen, withCarried } from './client.ts'

const wireBytes = new WeakMap<Message, Buffer>()
const { message: rheaMessages } = rhea as unknown as { message: { decode(bytes: Buffer): Message } }
const { decode } = rheaMessages
/** rhea forgets the bytes of a message once it has made an object of them. */
rheaMessages.decode = bytes => {
  const message = decode(bytes)
  wireBytes.set(message, bytes)
  return message
}

/** AMQP 1.0 by rhea, whose reader is used on the bytes of each message: the messages that it makes of them have no types. */
export async function amqp10Client(
  { host, ports, username, password }: Broker,
  terminus: (place: string) => string | { address: string; capabilities: string },
  make: (place: string) => Promise<void> = async () => {},
): Promise<Client> {
  const address = { host, port: ports.amqp! }
  const login = { username, password }
  const producer = new Producer(address, login, terminus as never)
  const connection: Connection = rhea.create_container().connect({ ...address, ...login, reconnect: false })
  connection.on('disconnected', () => {})
  await once(connection, 'connection_open')
  return {
    connection: { protocol: 'amqp10', urls: [`amqp://${host}:${ports.amqp}`], ...login },
    source: place => ({ queue: place }),
    sink: place => ({ queue: place }),
    make,
    async receive(place, seen) {
      const session = connection.create_session()
      session.begin()
      const receiver = session.open_receiver({ source: terminus(place) as never, credit_window: 500 })
      receiver.on('message', ({ message }: EventContext) => seen(readMessage(wireBytes.get(message!)!)))
      await once(receiver, 'receiver_open')
    },
    send: (place, specimens) => producer.send(place, specimens.map(messageOf)),
    close: async () => {
      await producer.close()
      connection.close()
    },
  }
}

const bufferOf = (bytes: Uint8Array) => Buffer.from(bytes)
const wide = (value: bigint) => Buffer.from(BigInt.asUintN(64, value).toString(16).padStart(16, '0'), 'hex')
const decimals = types as unknown as Record<'Decimal32' | 'Decimal64' | 'Decimal128', (b: Buffer) => Typed>

function wire(value: Value): unknown {
  switch (value.type) {
    case 'null':
      return types.wrap(null)
    case 'bool':
      return types.wrap_boolean(value.value)
    case 'int8':
      return types.wrap_byte(value.value)
    case 'int16':
      return types.wrap_short(value.value)
    case 'int32':
      return types.wrap_int(value.value)
    case 'int64':
      return types.wrap_long(wide(value.value) as never)
    case 'uint8':
      return types.wrap_ubyte(value.value)
    case 'uint16':
      return types.wrap_ushort(value.value)
    case 'uint32':
      return types.wrap_uint(value.value)
    case 'uint64':
      return types.wrap_ulong(wide(value.value) as never)
    case 'float32':
      return types.wrap_float(value.value)
    case 'float64':
      return types.wrap_double(value.value)
    case 'string':
      return types.wrap_string(value.value)
    case 'symbol':
      return types.wrap_symbol(value.value)
    case 'char':
      return types.wrap_char(value.value.codePointAt(0) as never)
    case 'uuid':
      return types.wrap_uuid(Buffer.from(value.value.replaceAll('-', ''), 'hex') as never)
    case 'bytes':
      return types.wrap_binary(bufferOf(value.value) as never)
    case 'decimal32':
      return decimals.Decimal32(bufferOf(value.value))
    case 'decimal64':
      return decimals.Decimal64(bufferOf(value.value))
    case 'decimal128':
      return decimals.Decimal128(bufferOf(value.value))
    case 'timestamp':
      return types.wrap_timestamp(value.value)
    case 'list':
      return types.wrap_list(value.value.map(wire) as never)
    case 'map':
      return typedMap(new Map(value.value.map(([k, v]) => [wire(k), wire(v)])))
    default:
      throw new Error(`AMQP 1.0 has no ${value.type}`)
  }
}

function bodyOf({ body }: Specimen): Pick<Message, 'body' | 'content_type'> {
  switch (body.kind) {
    case 'text':
      return { body: body.text }
    case 'bytes':
      return { body: rhea.message.data_section(bufferOf(body.bytes)) }
    case 'object':
      return {
        body: rhea.message.data_section(bufferOf(body.bytes)),
        content_type: 'application/x-java-serialized-object',
      }
    case 'map':
      return { body: wire({ type: 'map', value: body.entries }) }
    case 'list':
      return { body: wire({ type: 'list', value: body.items }) }
    case 'none':
      return { body: null }
  }
}

function messageOf(specimen: Specimen): Message {
  const { headers, properties: p } = specimen
  const own: [string, unknown][] = [
    ['message_id', p.messageId && wire(p.messageId)],
    ['correlation_id', p.correlationId && wire(p.correlationId)],
    ['user_id', p.userId?.type === 'bytes' ? bufferOf(p.userId.value) : undefined],
    ['reply_to', p.replyTo],
    ['content_type', p.contentType],
    ['content_encoding', p.contentEncoding],
    ['subject', p.subject],
    ['group_id', p.groupId],
    ['group_sequence', p.groupSequence],
    ['priority', p.priority],
    ['durable', p.durable ?? true],
    ['creation_time', p.createdAt === undefined ? undefined : new Date(p.createdAt)],
    ['ttl', p.expiresAt === undefined ? undefined : p.expiresAt - Date.now()],
  ]
  return {
    ...Object.fromEntries(own.filter(([, value]) => value !== undefined)),
    ...bodyOf(specimen),
    application_properties: {
      [specimenName]: specimen.id,
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, wire(value)])),
    },
  }
}

interface TypedInside {
  readonly type: { readonly name: string }
  readonly descriptor?: { readonly value: unknown }
  readonly value: unknown
}

/** Names of the specification for the encodings that rhea knows. */
const typeNames: Readonly<Record<string, string>> = {
  True: 'boolean',
  False: 'boolean',
  CharUTF32: 'char',
  Str: 'string',
  Sym: 'symbol',
  Vbin: 'binary',
}

const typeOf = ({ type: { name } }: TypedInside): string => {
  const plain = /^Decimal/.test(name) ? name : name.replace(/^Small|(8|32|0)$/g, '')
  return typeNames[plain] ?? typeNames[name] ?? plain.toLowerCase()
}

function words(typed: TypedInside): string {
  const type = typeOf(typed)
  const { value } = typed
  switch (type) {
    case 'null':
      return 'null'
    case 'string':
    case 'symbol':
      return `${type} ${quoted(value as string)}`
    case 'char':
      return `char ${quoted(String.fromCodePoint(value as number))}`
    case 'binary':
    case 'uuid':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return `${type} ${hex(value as Buffer)}`
    case 'timestamp':
      return `timestamp ${(value as Date).getTime()}`
    case 'list':
      return `list [${(value as TypedInside[]).map(words).join(', ')}]`
    case 'map':
      return `map {${pairs(typed)
        .map(([k, v]) => `${words(k)}: ${words(v)}`)
        .join(', ')}}`
  }
  if (!Buffer.isBuffer(value)) return `${type} ${typeof value === 'number' ? digits(value) : value}`
  return `${type} ${type === 'ulong' ? value.readBigUInt64BE() : value.readBigInt64BE()}`
}

function pairs({ value }: TypedInside): [TypedInside, TypedInside][] {
  const items = value as TypedInside[]
  return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i]!, items[2 * i + 1]!])
}

const fields = [
  'messageId message-id',
  'userId user-id',
  'to to',
  'subject subject',
  'replyTo reply-to',
  'correlationId correlation-id',
  'contentType content-type',
  'contentEncoding content-encoding',
  'expiresAt absolute-expiry-time',
  'createdAt creation-time',
  'groupId group-id',
  'groupSequence group-sequence',
].map(names => names.split(' ') as [string, string])

export function readMessage(bytes: Buffer): Seen {
  const reader = new Reader(bytes) as { read(): TypedInside; position?: number } & { position: number }
  const properties: Record<string, string> = {}
  let headers: Record<string, string> = {}
  let body = 'none'
  let json: string | undefined
  let specimen = ''
  while (reader.position < bytes.length) {
    const section = reader.read() as TypedInside
    const items = section.value as TypedInside[]
    switch (section.descriptor?.value) {
      case 0x70:
        if (items[0]?.value !== null) properties.durable = `durable ${items[0]?.value}`
        if (typeof items[1]?.value === 'number') properties.priority = `priority ${items[1].value}`
        break
      case 0x73:
        for (const [i, [name, field]] of fields.entries()) {
          const typed = items[i]
          if (typed && typed.value !== null) properties[name] = `${field} ${words(typed)}`
        }
        if (properties.expiresAt)
          properties.expiresAt = expiryWords('absolute-expiry-time', items[8]!.value as Date)
        break
      case 0x74: {
        const all = pairs(section)
        specimen = String(all.find(([name]) => name.value === specimenName)?.[1].value)
        json = all.find(([name]) => name.value === 'sluice_properties')?.[1].value as string | undefined
        headers = Object.fromEntries(all.map(([name, value]) => [String(name.value), words(value)]))
        break
      }
      case 0x75:
        body = `data ${octets(section.value as Buffer)}`
        break
      case 0x76:
        body = `sequence ${words(section)}`
        break
      case 0x77:
        body = section.value === null ? 'none' : words(section)
    }
  }
  return { specimen, body, headers, properties: withCarried(properties, json) }
}

const expiryWords = (field: string, at: Date) =>
  Math.abs(at.getTime() - expiry) < 20_000 ? field : `${field} ${at.getTime() - expiry} ms off`
