import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { bodyAsText } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { type BodyNote, propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import { duplicateId, javaObject, ownDuplicate } from './codec.ts'
import { placeOf } from './destination.ts'
import { knownDialect } from './lease.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { jmsKinds, type Place, type Sends } from './sends.ts'
import { isAscii, isWritable, Writer } from './writer.ts'

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
  message: Message,
): AmqpPrepared {
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

/** The sections of a message (specification part 3, section 3.2), as far as they are decided before it is written. */
interface Draft {
  readonly body: Body
  readonly note: BodyNote
  readonly replyTo: Place | undefined
  readonly contentType: string | undefined
}

function encode(message: Message, place: Place, sends: Sends): Pick<AmqpPrepared, 'bytes' | 'ttl'> {
  const { properties } = message
  const { body, note } = bodyOf(message.body, sends)
  const replyTo = properties.replyTo === undefined ? undefined : sends.replyTo(properties.replyTo)
  const contentType = body.kind === 'object' ? javaObject : properties.contentType
  const draft: Draft = { body, note, replyTo, contentType }
  const writer = new Writer()
  const ttl = writeHeader(writer, properties)
  writeAnnotations(writer, draft, properties, place, sends)
  writeProperties(writer, draft, properties, place, sends)
  writeHeaders(writer, draft, message, sends)
  writeBody(writer, body, sends)
  return { bytes: writer.done(), ...(ttl && { ttl }) }
}

/** What AMQP 1.0 has no type for is a text. */
function bodyOf(body: Body, sends: Sends): { readonly body: Body; readonly note: BodyNote } {
  if (takesBody(body, sends)) return { body, note: {} }
  const { text, note } = bodyAsText(body, t => t.isWellFormed())
  return { body: { kind: 'text', text }, note: { body: body.kind, ...note } }
}

function takesBody(body: Body, sends: Sends): boolean {
  switch (body.kind) {
    case 'text':
      return body.text.isWellFormed()
    case 'list':
      return sends.takesValues && isWritable({ type: 'list', value: body.items })
    case 'map':
      return sends.takesValues && isWritable({ type: 'map', value: body.entries })
    default:
      return true
  }
}

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
    if (expiresAt === undefined) return 2
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

/** The types that ids may have (section 3.2.4). */
const isId = (id: Value | undefined): id is Value =>
  id !== undefined && /^(string|uint64|uuid|bytes)$/.test(id.type) && isWritable(id)

const isText = (text: string | undefined): text is string => text?.isWellFormed() ?? false
const isSymbol = (text: string | undefined): text is string => text !== undefined && isAscii(text)
const isTimestamp = (time: number | undefined): time is number =>
  time !== undefined && isWritable({ type: 'timestamp', value: time })
const isUint32 = (n: number | undefined): n is number => n !== undefined && n >>> 0 === n

/** Which properties have a place of their own on the wire, with this value. */
function hasPlace(name: keyof Properties, properties: Properties, draft: Draft, sends: Sends): boolean {
  switch (name) {
    case 'durable':
    case 'priority':
      return true
    case 'messageId':
    case 'correlationId':
      return isId(properties[name])
    case 'userId':
      return sends.takesUserId && properties.userId?.type === 'bytes'
    case 'replyTo':
      return draft.replyTo?.address === properties.replyTo && isText(properties.replyTo)
    case 'subject':
    case 'groupId':
      return isText(properties[name])
    case 'contentType':
      return draft.contentType === properties.contentType && isSymbol(properties.contentType)
    case 'contentEncoding':
      return isSymbol(properties.contentEncoding)
    case 'expiresAt':
    case 'createdAt':
      return isTimestamp(properties[name])
    case 'groupSequence':
      return isUint32(properties.groupSequence)
    default:
      return false
  }
}

/** The fields of the section in their order, up to the last that is there. */
function writeProperties(
  writer: Writer,
  draft: Draft,
  properties: Properties,
  place: Place,
  sends: Sends,
): void {
  const { messageId, userId, subject, correlationId, contentEncoding } = properties
  const { expiresAt, createdAt, groupId, groupSequence } = properties
  const { replyTo, contentType } = draft
  const own = sends.takesUserId && userId?.type === 'bytes'
  const string = (text: string | undefined): Value | undefined =>
    isText(text) ? { type: 'string', value: text } : undefined
  const symbol = (text: string | undefined): Value | undefined =>
    isSymbol(text) ? { type: 'symbol', value: text } : undefined
  const time = (value: number | undefined): Value | undefined =>
    isTimestamp(value) ? { type: 'timestamp', value } : undefined
  const fields: (Value | undefined)[] = [
    isId(messageId) ? messageId : undefined,
    own ? userId : undefined,
    string(place.address),
    string(subject),
    string(replyTo?.address),
    isId(correlationId) ? correlationId : undefined,
    symbol(contentType),
    symbol(contentEncoding),
    time(expiresAt),
    time(createdAt),
    string(groupId),
    isUint32(groupSequence) ? { type: 'uint32', value: groupSequence } : undefined,
  ]
  const last = fields.findLastIndex(field => field !== undefined)
  writer.section(0x73)
  writer.compound(0xd0, () => {
    for (const field of fields.slice(0, last + 1)) {
      if (field) writer.value(field)
      else writer.nothing()
    }
    return last + 1
  })
}

function writeHeaders(writer: Writer, draft: Draft, message: Message, sends: Sends): void {
  const types: Record<string, string> = {}
  const headers = wireHeaders(message.headers, types)
  const { properties } = message
  const notes = { ...draft.note, ...(Object.keys(types).length > 0 && { headers: types }) }
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

/** Application properties may have simple types only (section 3.2.5): what else there is becomes a text, with a note. */
function wireHeaders(headers: Headers, types: Record<string, string>): [string, Value][] {
  return Object.entries(headers)
    .filter(([name]) => name !== propertiesName)
    .map(([name, value]): [string, Value] => {
      if (!name.isWellFormed()) {
        throw new MessageRefused(`AMQP 1.0 cannot carry the name of the header ${JSON.stringify(name)}`)
      }
      if (isSimple(value)) return [name, value]
      const { text, type } = headerAsText(value, t => t.isWellFormed())
      if (type !== undefined) types[name] = type
      return [name, { type: 'string', value: text }]
    })
}

const isSimple = (value: Value): boolean =>
  value.type !== 'null' && value.type !== 'list' && value.type !== 'map' && isWritable(value)

function writeBody(writer: Writer, body: Body, sends: Sends): void {
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
      if (sends.bodyless) return
      writer.section(0x77)
      writer.nothing()
  }
}
