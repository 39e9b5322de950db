import { createHash } from 'node:crypto'
import { MessageRefused, sentence } from '../../core/errors.ts'
import { escapedWhere } from '../../core/json/escape.ts'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import { text, type Value } from '../../core/value.ts'
import { Fields } from './fields.ts'
import { entriesFromJson, entriesToJson, fromTypedJson, type TypedJson, toTypedJson } from './typed-json.ts'

/** A message that could not be carried, and all that is known of why. */
export interface DeadLetter {
  readonly route: string
  /** The target that did not take it; '' when the mapping failed. */
  readonly target: string
  /** The message as the source delivered it, before any mapping. */
  readonly message: Message
  readonly reason: string
  readonly kind: 'refused' | 'unexpected'
  /** The stack of an error that nobody expected. */
  readonly stack?: string
  readonly attempts: number
  readonly deliveryCount?: number
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly diedAt: number
}

/** The form of the record; a reader refuses one it does not know. */
const form = 'sluice.dead-letter/1'

const contentType = 'application/vnd.sluice.dead-letter+json'

export function deadLetterOf(about: Omit<DeadLetter, 'reason' | 'kind' | 'stack'>, error: Error): DeadLetter {
  const refused = error instanceof MessageRefused
  return {
    ...about,
    reason: sentence(error) || error.name,
    kind: refused ? 'refused' : 'unexpected',
    ...(!refused && error.stack !== undefined && { stack: error.stack }),
  }
}

/**
 * The message that is sent to a dead-letter place. Its body is JSON that any target can hold (no character that SQS
 * forbids) and from which `readRecord` restores the dead letter exactly; its three headers are a summary.
 */
export function recordMessage(letter: DeadLetter): Message {
  const { message, ...about } = letter
  const record = {
    form,
    ...about,
    message: messageToJson(message),
  }
  return {
    address: message.address,
    body: { kind: 'text', text: escapedWhere(JSON.stringify(record), forbiddenInXml) },
    properties: {
      contentType,
      ...(message.properties.deduplicationId !== undefined && {
        deduplicationId: recordId(message.properties.deduplicationId, letter),
      }),
    },
    headers: {
      sluice_route: text(letter.route),
      ...(letter.target !== '' && { sluice_target: text(letter.target) }),
      sluice_reason: text(summary(letter.reason)),
    },
  }
}

/** Each target that did not take a message has a record of its own, which a place must not take for a repetition of another. */
const recordId = (deliveryId: string, { route, target }: DeadLetter): string =>
  createHash('sha256').update(`${deliveryId}\0${route}\0${target}`).digest('hex')

/**
 * The dead letter that `recordMessage` wrote. Throws, with the field that is wrong, when the text is no such record or has
 * what this version does not know.
 */
export function readRecord(json: string): DeadLetter {
  const fields = new Fields(parsed(json))
  const written = fields.any('form')
  if (written !== form)
    throw new Error(`not a dead letter of the form ${form}: found ${JSON.stringify(written)}`)
  const letter: DeadLetter = {
    route: fields.text('route'),
    target: fields.text('target'),
    reason: fields.text('reason'),
    kind: fields.one('kind', ['refused', 'unexpected']),
    ...(fields.has('stack') && { stack: fields.text('stack') }),
    attempts: fields.number('attempts'),
    ...(fields.has('deliveryCount') && { deliveryCount: fields.number('deliveryCount') }),
    receivedAt: fields.time('receivedAt'),
    diedAt: fields.time('diedAt'),
    message: fields.read('message', messageFromJson),
  }
  fields.end()
  return letter
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new Error('no JSON, or only the beginning of it', { cause })
  }
}

/** A message as JSON that keeps all of it, types too. */
export interface MessageJson {
  readonly address: string
  readonly body: BodyJson
  readonly properties: Record<string, unknown>
  readonly headers: Record<string, TypedJson>
  readonly annotations?: Record<string, TypedJson>
}

export const messageToJson = ({ address, body, properties, headers, annotations }: Message): MessageJson => ({
  address,
  body: bodyToJson(body),
  properties: propertiesToJson(properties),
  headers: headersToJson(headers),
  ...(annotations && { annotations: headersToJson(annotations) }),
})

/** The inverse of `messageToJson`. Throws on what it did not write. */
export function messageFromJson(json: unknown): Message {
  const fields = new Fields(json)
  const message: Message = {
    address: fields.text('address'),
    body: fields.read('body', bodyFromJson),
    properties: fields.read('properties', propertiesFromJson),
    headers: fields.read('headers', headersFromJson),
    ...(fields.has('annotations') && { annotations: fields.read('annotations', headersFromJson) }),
  }
  fields.end()
  return message
}

/** JSON.stringify escapes control characters and lone surrogates, but not the two noncharacters that XML 1.0 forbids. */
const forbiddenInXml = /[\ufffe\uffff]/g

/** Printable ASCII and short, so that every target takes it as a header. */
const summary = (reason: string): string => reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 250)

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

interface BodyJson {
  readonly kind: string
  readonly text?: string
  readonly base64?: string
  readonly entries?: readonly (readonly [TypedJson, TypedJson])[]
  readonly items?: readonly TypedJson[]
}

/** Text stays readable: JSON escapes what is not well-formed. */
function bodyToJson(body: Body): BodyJson {
  switch (body.kind) {
    case 'map':
      return { kind: 'map', entries: entriesToJson(body.entries) }
    case 'list':
      return { kind: 'list', items: body.items.map(toTypedJson) }
    case 'bytes':
    case 'object':
      return { kind: body.kind, base64: base64(body.bytes) }
    default:
      return body
  }
}

function bodyFromJson(json: unknown): Body {
  const fields = new Fields(json)
  const kind = fields.one('kind', ['text', 'bytes', 'object', 'map', 'list', 'none'])
  const body = contentFromJson(kind, fields)
  fields.end()
  return body
}

function contentFromJson(kind: Body['kind'], fields: Fields): Body {
  switch (kind) {
    case 'none':
      return { kind }
    case 'text':
      return { kind, text: fields.text('text') }
    case 'map':
      return { kind, entries: entriesFromJson(fields.list('entries')) }
    case 'list':
      return { kind, items: fields.list('items').map(item => fromTypedJson(item)) }
    default:
      return { kind, bytes: fields.bytes('base64') }
  }
}

const headersToJson = (headers: Headers): Record<string, TypedJson> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, toTypedJson(value)]))

const headersFromJson = (json: unknown): Headers => new Fields(json).each(value => fromTypedJson(value))

const isValue = (property: unknown): property is Value =>
  typeof property === 'object' && property !== null && 'type' in property

const propertiesToJson = (properties: Properties) =>
  Object.fromEntries(Object.entries(properties).map(([k, v]) => [k, isValue(v) ? toTypedJson(v) : v]))

/** What each property is in JSON. */
const kinds: Readonly<Record<keyof Properties, 'value' | 'text' | 'number' | 'bool'>> = {
  messageId: 'value',
  correlationId: 'value',
  replyTo: 'text',
  contentType: 'text',
  contentEncoding: 'text',
  subject: 'text',
  groupId: 'text',
  groupSequence: 'number',
  priority: 'number',
  durable: 'bool',
  expiresAt: 'number',
  createdAt: 'number',
  userId: 'value',
  appId: 'text',
  retained: 'bool',
  deduplicationId: 'text',
  delay: 'number',
  trail: 'text',
}

function propertiesFromJson(json: unknown): Properties {
  const fields = new Fields(json)
  const names = Object.keys(kinds) as (keyof Properties)[]
  const found = names
    .filter(name => fields.has(name))
    .map(name => {
      const kind = kinds[name]
      return [name, kind === 'value' ? fields.read(name, value => fromTypedJson(value)) : fields[kind](name)]
    })
  fields.end()
  return Object.fromEntries(found)
}
