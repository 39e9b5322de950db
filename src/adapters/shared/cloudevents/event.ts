import { MessageRefused } from '../../../core/errors.ts'
import type { Body, Headers } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'

/** An event of CloudEvents 1.0, in whatever form it came, and the headers that stand beside it and are none of it. */
export interface CloudEvent {
  /** All context attributes but `datacontenttype`, in the order in which they stood. */
  readonly attributes: Attributes
  readonly contentType: string | undefined
  /** Its data: JSON as its text, other text, bytes, or none. */
  readonly body: Data
  readonly beside: Headers
}

export type Data = Body & { readonly kind: 'text' | 'bytes' | 'none' }

/** String, Boolean, Integer and Binary. URIs and timestamps are strings, in the canonical form that every binding takes. */
export type Attribute =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int64'; readonly value: bigint }
  | { readonly type: 'bytes'; readonly value: Uint8Array }

export type Attributes = ReadonlyMap<string, Attribute>

export const malformed = (why: string, options?: ErrorOptions): MessageRefused =>
  new MessageRefused(`the message is no CloudEvent that can be read: ${why}`, options)

/** Can an attribute have this name? (Naming Conventions; more than 20 characters are only advised against.) */
export const isName = (name: string): boolean => /^[a-z0-9]+$/.test(name) && name !== 'data'

/** The attributes that the specification defines itself. */
export const isCore = (name: string): boolean => core.has(name)

const core = new Set([
  'specversion',
  'id',
  'source',
  'type',
  'datacontenttype',
  'dataschema',
  'subject',
  'time',
])

/**
 * Whoever traces messages looks for these among the headers, so that they stand there beside the event as well (extension
 * Distributed Tracing).
 */
export const isTrace = (name: string): boolean => name === 'traceparent' || name === 'tracestate'

/**
 * A header as an attribute, undefined when CloudEvents has no type for it. Integers are read up to 64 bits, though the
 * specification has 32: what is written so is passed on with all its digits.
 */
export function attributeOf(value: Value): Attribute | undefined {
  switch (value.type) {
    case 'bool':
      return { type: 'bool', value: value.value }
    case 'bytes':
      return { type: 'bytes', value: value.value }
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
      return { type: 'string', value: value.value }
    case 'decimal':
      return integerIn(value.value)
    case 'int8':
    case 'int16':
    case 'int32':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'int64':
    case 'uint64':
      return integerIn(String(value.value))
    case 'timestamp': {
      const time = timeOf(value.value)
      return time === undefined ? undefined : { type: 'string', value: time }
    }
    default:
      return undefined
  }
}

/** Undefined for a text that is no whole number of 64 bits. */
export function integerIn(digits: string): Attribute | undefined {
  const value = /^-?\d{1,19}$/.test(digits) ? BigInt(digits) : undefined
  return value !== undefined && BigInt.asIntN(64, value) === value ? { type: 'int64', value } : undefined
}

/** The canonical text of an attribute (Type System). */
export function textOf(attribute: Attribute): string {
  return attribute.type === 'bytes'
    ? Buffer.from(attribute.value).toString('base64')
    : String(attribute.value)
}

/** RFC 3339, which has four digits for the year; undefined for a time that it cannot say. */
export function timeOf(milliseconds: number): string | undefined {
  const isSayable = Number.isInteger(milliseconds) && milliseconds >= -62_167_219_200_000
  return isSayable && milliseconds <= 253_402_300_799_999 ? new Date(milliseconds).toISOString() : undefined
}

/** Is it a String as the specification has it: no control characters, noncharacters, surrogates that are alone? */
export const isString = (text: string): boolean => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(text)

/** Throws for attributes without those that an event must have, and for a version that is not read here. */
export function checked(attributes: Attributes): Attributes {
  for (const name of ['specversion', 'id', 'source', 'type']) {
    const attribute = attributes.get(name)
    if (attribute === undefined) throw malformed(`it has no ${name}`)
    if (attribute.type !== 'string' || attribute.value === '') throw malformed(`its ${name} is no text`)
  }
  const version = textOf(attributes.get('specversion')!)
  if (!/^1\.\d+$/.test(version)) {
    throw malformed(
      `it is one of version ${JSON.stringify(version.slice(0, 20))}, and this reads version 1.0`,
    )
  }
  return attributes
}

/** Does the content type declare JSON (JSON event format, 3.1.1)? */
export const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^[^/]+\/([^/]+\+)?json$/.test(mediaType(contentType))

/** Without parameters. */
export const mediaType = (contentType: string): string => contentType.split(';', 1)[0]!.trim().toLowerCase()

/** Throws MessageRefused for a text that UTF-8 does not have. */
export function utf8Of(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  throw new MessageRefused('the data of the CloudEvent has half a surrogate pair, which UTF-8 does not know')
}
