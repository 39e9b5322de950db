import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { type BodyNote, propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import { formatted } from '../shared/cloudevents/cloudevents.ts'
import { duplicateId, javaObject, ownDuplicate } from './codec.ts'
import { placeOf } from './destination.ts'
import { fitBody, fitHeader } from './fit.ts'
import { knownDialect } from './lease.ts'
import { wireName } from './names.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { jmsKinds, type Place, type Sends } from './sends.ts'
import { type Draft, hasPlace, writeProperties } from './write-properties.ts'
import { Writer } from './writer.ts'

export interface AmqpPrepared extends Prepared {
  readonly bytes: Buffer
  /** Where it goes, in the broker's dialect. */
  readonly place: Place
  /** What remains to live is written when it is sent: at this position, until this time. */
  readonly ttl?: { readonly at: number; readonly expiresAt: number }
}

export function prepare(
  at: Endpoint<ConnectionOptions, SinkOptions>,
  limits: Limits,
  written: Message,
): AmqpPrepared {
  const message = formatted(written, at, binding)
  const { sends, broker } = knownDialect(at.connection)
  const place = placeOf(sends, at.options, message.address)
  const { delay } = message.properties
  if (delay !== undefined && delay > 0 && !sends.delays) {
    throw new MessageRefused(`${broker} cannot delay messages over AMQP 1.0, and this one has a delay`)
  }
  const { bytes, ttl } = encode(message, place, sends)
  if (bytes.length > limits.maxMessageSize) {
    throw new MessageRefused(
      `the message has ${bytes.length} bytes, and ${broker} takes ${limits.maxMessageSize} at ${place.address}`,
    )
  }
  return { bytes, place, size: bytes.length, ...(ttl && { ttl }) }
}

/** Data is a data section, whatever it is (CloudEvents, AMQP protocol binding, 3.1.2 and 3.2.2). */
const binding = { prefix: 'cloudEvents_', body: 'bytes' } as const

function encode(message: Message, place: Place, sends: Sends): Pick<AmqpPrepared, 'bytes' | 'ttl'> {
  const { properties } = message
  const { body, note } = fitBody(message.body, sends)
  const replyTo = properties.replyTo === undefined ? undefined : sends.replyTo(properties.replyTo)
  const contentType = body.kind === 'object' ? javaObject : properties.contentType
  const draft: Draft = { body, replyTo, contentType }
  const writer = new Writer()
  const ttl = writeHeader(writer, properties)
  writeAnnotations(writer, draft, properties, place, sends)
  writeProperties(writer, draft, properties, place, sends)
  writeHeaders(writer, draft, note, message, sends)
  writeBody(writer, body)
  return { bytes: writer.done(), ...(ttl && { ttl }) }
}

const longest = 0xffff_ffff

/** Is the time to live one that its field holds? What lives longer has none: with another it would be dropped too early. */
const isCountable = (expiresAt: number): boolean => expiresAt - Date.now() <= longest

/** Milliseconds that are left; at least 1, since 0 would be for ever on some brokers. */
export const remaining = (expiresAt: number): number =>
  Math.min(longest, Math.max(1, Math.round(expiresAt - Date.now())))

/** durable, priority, ttl. */
function writeHeader(
  writer: Writer,
  { durable = true, priority, expiresAt }: Properties,
): AmqpPrepared['ttl'] {
  writer.section(0x70)
  let ttl: AmqpPrepared['ttl']
  writer.compound(0xd0, () => {
    writer.bool(durable)
    if (priority === undefined) writer.nothing()
    else writer.uint8(priority)
    if (expiresAt === undefined || !isCountable(expiresAt)) return 2
    writer.uint32(1)
    ttl = { at: writer.position - 4, expiresAt }
    return 3
  })
  return ttl
}

/** `x-opt-jms-msg-type` as the JMS mapping of AMQP has it; by it JMS clients know maps and streams. */
const jmsTypes = { none: 0, object: 1, map: 2, bytes: 3, list: 4, text: 5 } as const

function writeAnnotations(
  writer: Writer,
  { body, replyTo }: Draft,
  { delay }: Properties,
  { kind }: Place,
  { annotates }: Sends,
): void {
  const byte = (value: number): Value => ({ type: 'int8', value })
  const annotations: [string, Value][] = [['x-opt-jms-msg-type', byte(jmsTypes[body.kind])]]
  if (annotates && kind) annotations.push(['x-opt-jms-dest', byte(jmsKinds[kind])])
  if (annotates && replyTo) {
    annotations.push(['x-opt-jms-reply-to', byte(jmsKinds[replyTo.kind ?? 'queue'])])
  }
  if (delay !== undefined && delay > 0) {
    annotations.push(['x-opt-delivery-delay', { type: 'int64', value: BigInt(Math.ceil(delay)) }])
  }
  writer.section(0x72)
  writer.compound(0xd1, () => {
    for (const [name, value] of annotations) {
      writer.symbol(name)
      writer.value(value)
    }
    return annotations.length * 2
  })
}

function writeHeaders(writer: Writer, draft: Draft, note: BodyNote, message: Message, sends: Sends): void {
  const types: Record<string, string> = Object.create(null)
  const headers = wireHeaders(message.headers, types, sends)
  const { properties } = message
  const notes = { ...note, ...(Object.keys(types).length > 0 && { headers: types }) }
  const json = propertiesJson(properties, name => hasPlace(name, properties, draft, sends), notes)
  if (json !== undefined) headers.push([propertiesName, { type: 'string', value: json }])
  const { deduplicationId } = properties
  if (sends.deduplicates && deduplicationId !== undefined && !Object.hasOwn(message.headers, duplicateId)) {
    headers.push([duplicateId, { type: 'string', value: ownDuplicate + deduplicationId }])
  }
  if (headers.length === 0) return
  writer.section(0x74)
  writer.compound(0xd1, () => {
    for (const [name, value] of headers) {
      writer.string(name)
      writer.value(value)
    }
    return headers.length * 2
  })
}

function wireHeaders(headers: Headers, types: Record<string, string>, sends: Sends): [string, Value][] {
  return Object.entries(headers).map(([name, header]): [string, Value] => {
    if (name === propertiesName)
      throw new MessageRefused(`the header ${name} would be taken for Sluice's own application property`)
    if (!name.isWellFormed())
      throw new MessageRefused(`AMQP 1.0 cannot carry the name of the header ${JSON.stringify(name)}`)
    const { value, type } = fitHeader(header, sends)
    const wire = wireName(name, header, sends)
    if (type !== undefined) types[wire] = type
    return [wire, value]
  })
}

function writeBody(writer: Writer, body: Body): void {
  switch (body.kind) {
    case 'text':
      writer.section(0x77)
      writer.string(body.text)
      return
    case 'bytes':
    case 'object':
      writer.section(0x75)
      writer.binary(body.bytes)
      return
    case 'map':
      writer.section(0x77)
      writer.map(body.entries)
      return
    case 'list':
      writer.section(0x77)
      writer.list(body.items)
      return
    case 'none':
      writer.section(0x77) // RabbitMQ 4.0 fails at a message without any, and JMS takes such a one for bytes
      writer.nothing()
  }
}
