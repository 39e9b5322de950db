import { isUtf8 } from 'node:buffer'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import type { Restored } from '../shared/carriage/restore.ts'
import { withoutOpenWireNotes } from './openwire.ts'
import { Reader } from './reader.ts'
import { withTrace } from './trace.ts'

/** A transfer read as far as it could be. */
export interface Decoded {
  readonly message: Message
  readonly deliveryCount?: number
  /** The `to` of the properties: which topic it was, where the broker says so. */
  readonly to?: string
}

/** What the sections say, collected while they are read. */
interface Draft {
  body: Body | undefined
  properties: Writable<Properties>
  headers: Record<string, Value>
  annotations: Record<string, Value> | undefined
  deliveryCount: number | undefined
  ttl: number | undefined
  to: string | undefined
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The annotation that says what was wrong with a message that could not be read to its end. */
export const malformedNote = 'x-opt-malformed'

/** `x-opt-jms-msg-type` as Artemis and the JMS mapping of AMQP write it. */
const jmsText = 5
const jmsObject = 1
export const javaObject = 'application/x-java-serialized-object'

/**
 * Decodes the payload of a transfer (specification part 3, section 3.2). Never throws: from the first section that is
 * malformed on, the bytes become the body, and the annotation `x-opt-malformed` says what was wrong, so that the
 * message reaches a dead letter as it is instead of stopping its queue.
 */
export function decode(bytes: Buffer, address: string, now: number): Decoded {
  const draft: Draft = {
    body: undefined,
    properties: {},
    headers: {},
    annotations: undefined,
    deliveryCount: undefined,
    ttl: undefined,
    to: undefined,
  }
  const reader = new Reader(bytes)
  let start = 0
  try {
    while (reader.more) {
      start = reader.position
      readSection(reader, draft)
    }
  } catch (error) {
    draft.body ??= { kind: 'bytes', bytes: bytes.subarray(start) }
    draft.annotations ??= {}
    put(draft.annotations, malformedNote, { type: 'string', value: (error as Error).message })
  }
  return finish(draft, address, now)
}

function finish(draft: Draft, address: string, now: number): Decoded {
  const { properties, annotations, deliveryCount, to } = draft
  const headers = withTrace(draft.headers, annotations)
  if (draft.ttl !== undefined && properties.expiresAt === undefined) properties.expiresAt = now + draft.ttl
  const body = asJms(draft.body ?? { kind: 'none' }, properties, annotations)
  const message = { address, body, properties, headers, ...(annotations && { annotations }) }
  return {
    message: withoutOpenWireNotes(message),
    ...(deliveryCount !== undefined && { deliveryCount }),
    ...(to !== undefined && { to }),
  }
}

/** The header by which a broker knows a message again, and how a value of our own begins. */
export const duplicateId = '_AMQ_DUPL_ID'
export const ownDuplicate = 'sluice:'

/** Without the duplicate id that a sink of ours wrote. */
export function withoutOwn(restored: Restored): Restored {
  const { headers } = restored.message
  const id = headers[duplicateId]
  if (id?.type !== 'string' || !id.value.startsWith(ownDuplicate)) return restored
  const { [duplicateId]: _, ...rest } = headers
  return { ...restored, message: { ...restored.message, headers: rest } }
}

/** Two JMS kinds travel as a plain data section and are told apart beside it. */
function asJms(body: Body, properties: Properties, annotations: Headers | undefined): Body {
  if (body.kind !== 'bytes' || annotations?.[malformedNote]) return body
  const note = annotations?.['x-opt-jms-msg-type']
  const type = note?.type === 'int8' ? note.value : undefined
  if (type === jmsObject || (type === undefined && properties.contentType === javaObject))
    return { kind: 'object', bytes: body.bytes }
  if (type === jmsText && isUtf8(body.bytes))
    return { kind: 'text', text: Buffer.from(body.bytes).toString() }
  return body
}

function readSection(reader: Reader, draft: Draft): void {
  const descriptor = reader.descriptor()
  switch (typeof descriptor === 'string' ? descriptor : Number(descriptor)) {
    case 0x70:
    case 'amqp:header:list':
      readHeader(reader, draft)
      return
    case 0x71:
    case 'amqp:delivery-annotations:map':
    case 0x78:
    case 'amqp:footer:map':
      reader.value()
      return
    case 0x72:
    case 'amqp:message-annotations:map':
      draft.annotations = readMap(reader, draft.annotations ?? {})
      return
    case 0x73:
    case 'amqp:properties:list':
      readProperties(reader, draft)
      return
    case 0x74:
    case 'amqp:application-properties:map':
      draft.headers = readMap(reader, draft.headers)
      return
    case 0x75:
    case 'amqp:data:binary':
      draft.body = withData(draft.body, reader.value())
      return
    case 0x76:
    case 'amqp:amqp-sequence:list':
      draft.body = withSequence(draft.body, reader.value())
      return
    case 0x77:
    case 'amqp:amqp-value:*':
      draft.body = ofValue(reader.value())
      return
    default:
      throw new RangeError(`unknown section ${descriptor}`)
  }
}

/** durable, priority, ttl, first-acquirer, delivery-count. */
function readHeader(reader: Reader, draft: Draft): void {
  const [durable, priority, ttl, , count] = reader.values(reader.compound(reader.constructorCode()))
  const { properties } = draft
  if (durable?.type === 'bool') properties.durable = durable.value
  if (priority?.type === 'uint8') properties.priority = priority.value
  if (ttl?.type === 'uint32') draft.ttl = ttl.value
  if (count?.type === 'uint32') draft.deliveryCount = count.value
}

const isSet = (value: Value | undefined): value is Value => value !== undefined && value.type !== 'null'

function readProperties(reader: Reader, draft: Draft): void {
  const fields = reader.values(reader.compound(reader.constructorCode()))
  const { properties } = draft
  const [messageId, userId, to, subject, replyTo, correlationId, contentType, contentEncoding] = fields
  const [expiresAt, createdAt, groupId, groupSequence] = fields.slice(8)
  if (isSet(messageId)) properties.messageId = messageId
  if (isSet(userId)) properties.userId = userId
  if (isSet(correlationId)) properties.correlationId = correlationId
  if (to?.type === 'string') draft.to = to.value
  if (subject?.type === 'string') properties.subject = subject.value
  if (replyTo?.type === 'string') properties.replyTo = replyTo.value
  if (contentType?.type === 'symbol') properties.contentType = contentType.value
  if (contentEncoding?.type === 'symbol') properties.contentEncoding = contentEncoding.value
  if (expiresAt?.type === 'timestamp') properties.expiresAt = expiresAt.value
  if (createdAt?.type === 'timestamp') properties.createdAt = createdAt.value
  if (groupId?.type === 'string') properties.groupId = groupId.value
  if (groupSequence?.type === 'uint32') properties.groupSequence = groupSequence.value
}

/** Keys are strings or symbols by the specification; whatever else comes is written as text. */
function readMap(reader: Reader, into: Record<string, Value>): Record<string, Value> {
  const code = reader.constructorCode()
  if (code === 0x40) return into
  const count = reader.compound(code)
  if (count % 2 !== 0) throw new RangeError('a map with a key that has no value')
  for (let i = 0; i < count; i += 2) {
    const key = reader.value()
    put(into, key.type === 'null' ? '' : String(key.value), reader.value())
  }
  return into
}

function put(into: Record<string, Value>, name: string, value: Value): void {
  if (name !== '__proto__') into[name] = value
  else Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
}

/** Several data sections are one body (section 3.2.6). */
function withData(body: Body | undefined, value: Value): Body {
  if (value.type !== 'bytes') throw new RangeError(`a data section that holds a ${value.type}`)
  if (body?.kind !== 'bytes') return { kind: 'bytes', bytes: value.value }
  return { kind: 'bytes', bytes: Buffer.concat([body.bytes, value.value]) }
}

/** Several sequence sections are one list (section 3.2.7). */
function withSequence(body: Body | undefined, value: Value): Body {
  if (value.type !== 'list') throw new RangeError(`a sequence section that holds a ${value.type}`)
  return { kind: 'list', items: body?.kind === 'list' ? [...body.items, ...value.value] : value.value }
}

function ofValue(value: Value): Body {
  switch (value.type) {
    case 'string':
      return { kind: 'text', text: value.value }
    case 'bytes':
      return { kind: 'bytes', bytes: value.value }
    case 'map':
      return { kind: 'map', entries: value.value }
    case 'list':
      return { kind: 'list', items: value.value }
    case 'null':
      return { kind: 'none' }
    default:
      return { kind: 'list', items: [value] }
  }
}
