import { MessageRefused } from '../../core/errors.ts'
import type { Message, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { type BodyNote, propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import { isFit, isString, maxBytes, topicProblem } from './topics.ts'

/** Identifiers of MQTT 5, 2.2.2.2. */
const BODY_FORMAT = 0x01
const MESSAGE_EXPIRY = 0x02
const CONTENT_TYPE = 0x03
const RESPONSE_TOPIC = 0x08
const CORRELATION_DATA = 0x09
const USER_PROPERTY = 0x26

export interface PropertyBytes {
  /** With their length before them. */
  readonly bytes: Buffer
  /** Where the expiry's four bytes stand in there. */
  readonly expiryAt?: number
}

/**
 * The properties of a PUBLISH of MQTT 5: those of the message that have a place of their own, its headers as user
 * properties, and all the rest in the user property `sluice_properties`.
 */
export function propertyBytes(
  { properties, headers, body }: Message,
  note: BodyNote,
  durable: boolean,
): PropertyBytes {
  const parts: Buffer[] = []
  const { expiresAt, contentType, replyTo, correlationId } = properties
  // First, so that its place is known.
  if (expiresAt !== undefined) parts.push(Buffer.of(MESSAGE_EXPIRY, 0, 0, 0, 0))
  if (body.kind !== 'bytes' && body.kind !== 'object' && body.kind !== 'none')
    parts.push(Buffer.of(BODY_FORMAT, 1))
  if (contentType !== undefined && isString(contentType))
    parts.push(property(CONTENT_TYPE, Buffer.from(contentType)))
  if (replyTo !== undefined && topicProblem(replyTo) === undefined)
    parts.push(property(RESPONSE_TOPIC, Buffer.from(replyTo)))
  const data = correlationId && correlationData(correlationId)
  if (data) parts.push(property(CORRELATION_DATA, data))
  const types = userProperties(headers, parts)
  // That a body is text, the payload format says.
  const { body: kind, ...rest } = note
  const json = propertiesJson(properties, name => hasPlace(name, properties, durable), {
    ...(kind === 'text' && note.encoding === undefined ? {} : { body: kind }),
    ...rest,
    ...(types.length > 0 && { headers: Object.fromEntries(types) }),
  })
  if (json !== undefined) parts.push(userProperty(propertiesName, escaped(json)))
  const bytes = Buffer.concat(parts)
  const length = varint(bytes.length)
  return {
    bytes: Buffer.concat([length, bytes]),
    ...(expiresAt !== undefined && { expiryAt: length.length + 1 }),
  }
}

/**
 * Is nothing lost of it? Not of a correlation id that was no bytes (its type is), and not of an expiry (which is in whole
 * seconds, from the time of sending).
 */
function hasPlace(name: keyof Properties, properties: Properties, durable: boolean): boolean {
  switch (name) {
    case 'contentType':
      return isString(properties.contentType!) && properties.contentType !== ''
    case 'replyTo':
      return topicProblem(properties.replyTo!) === undefined
    case 'correlationId':
      return properties.correlationId!.type === 'bytes' && properties.correlationId!.value.length <= maxBytes
    case 'durable':
      return properties.durable === durable
    default:
      return false
  }
}

/** A correlation id as a requester of the protocol would have it back; nothing for what has no such form. */
function correlationData(id: Value): Uint8Array | undefined {
  const { text } = headerAsText(id, () => true)
  const data = id.type === 'bytes' ? id.value : Buffer.from(text)
  return data.length <= maxBytes ? data : undefined
}

/** Adds the headers, and returns the types that they do not show. */
function userProperties(headers: Message['headers'], parts: Buffer[]): readonly [string, string][] {
  const types: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (name === propertiesName)
      throw new MessageRefused(`the header ${name} would be taken for Sluice's own user property`)
    if (!isString(name))
      throw new MessageRefused(
        `the header ${JSON.stringify(name.slice(0, 200))} cannot be a user property of MQTT: its name is too long, or has characters that brokers refuse`,
      )
    const repeated = repeatable(value)
    if (repeated) {
      for (const item of repeated) parts.push(userProperty(name, item))
      continue
    }
    const { text, type } = headerAsText(value, isFit)
    parts.push(userProperty(name, type === 'json' ? escaped(text) : text))
    if (type !== undefined) types.push([name, type])
  }
  return types
}

/**
 * A list of texts is a user property that is there several times, as it was if it came by MQTT. MQTT.js 5.16 loses the
 * first when it is empty.
 */
function repeatable(value: Value): readonly string[] | undefined {
  if (value.type !== 'list' || value.value.length < 2) return undefined
  const texts = value.value.map(item =>
    item.type === 'string' && isFit(item.value) ? item.value : undefined,
  )
  return texts.includes(undefined) || texts[0] === '' ? undefined : (texts as string[])
}

function userProperty(name: string, value: string): Buffer {
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) {
    throw new MessageRefused(
      `the header ${name} has ${bytes} bytes as a user property of MQTT, which takes ${maxBytes}`,
    )
  }
  const nameBytes = Buffer.byteLength(name)
  const pair = Buffer.allocUnsafe(1 + 2 + nameBytes + 2 + bytes)
  pair[0] = USER_PROPERTY
  pair.writeUInt16BE(nameBytes, 1)
  pair.write(name, 3)
  pair.writeUInt16BE(bytes, 3 + nameBytes)
  pair.write(value, 5 + nameBytes)
  return pair
}

function property(id: number, value: Uint8Array): Buffer {
  const written = Buffer.allocUnsafe(3 + value.length)
  written[0] = id
  written.writeUInt16BE(value.length, 1)
  written.set(value, 3)
  return written
}

/** JSON with nothing in it that a broker takes for malformed: such characters stand in its strings only. */
const escaped = (json: string): string =>
  isFit(json)
    ? json
    : json.replace(/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/gu, character =>
        Array.from(
          { length: character.length },
          (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
        ).join(''),
      )

/** A Variable Byte Integer (MQTT 5, 1.5.5). */
export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  do {
    const more = rest > 127
    bytes.push((rest & 0x7f) | (more ? 0x80 : 0))
    rest = Math.floor(rest / 128)
  } while (rest > 0)
  return Buffer.from(bytes)
}
