import { valueFromJson } from '../../../core/json/parse-typed-json.ts'
import type { Shape } from '../../../core/json/shape.ts'
import { escaped, quote, typedJson } from '../../../core/json/typed-json.ts'
import type { Body, Properties } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'

/** The header, or attribute, with all that a protocol has no other place for, as JSON. */
export const propertiesName = 'sluice_properties'

/** How the body stands there, where a reader would take it for something else (body.ts). */
export interface BodyNote {
  readonly body?: Body['kind']
  /** The types of a map or list that is written as plain JSON. */
  readonly types?: Shape
  readonly encoding?: 'base64' | 'typed' | 'empty'
}

/** What the protocol shows otherwise than it was. */
export interface Notes extends BodyNote {
  /** The types of headers that are written as text (headers.ts). */
  readonly headers?: Readonly<Record<string, string>>
}

export interface Carried {
  readonly properties: Properties
  readonly notes: Notes
}

/**
 * Properties and notes as compact JSON, undefined when there are none: `{"messageId":"ID:1","priority":4,"body":"bytes"}`.
 * Ids are as `typedJson` writes them. Left out are the deduplication id, which is ours, the delay,
 * which is over when the message is received, and what has a place of its own.
 * `bmp` escapes what lies above U+FFFF.
 */
export function propertiesJson(
  properties: Properties,
  hasPlace: (name: keyof Properties) => boolean,
  notes: Notes = {},
  bmp = false,
): string | undefined {
  let json = ''
  for (const name of Object.keys(properties) as (keyof Properties)[]) {
    const value = properties[name]
    if (value === undefined || name === 'deduplicationId' || name === 'delay' || hasPlace(name)) continue
    // JSON has no such number, and no property a use for it.
    if (typeof value === 'number' && !Number.isFinite(value)) continue
    json += `${json === '' ? '{' : ','}"${name}":${jsonOf(value, bmp)}`
  }
  for (const name of noteNames) {
    const note = notes[name]
    if (note === undefined) continue
    const written = typeof note === 'string' ? `"${note}"` : escaped(JSON.stringify(note), bmp)
    json += `${json === '' ? '{' : ','}"${name}":${written}`
  }
  return json === '' ? undefined : `${json}}`
}

const noteNames = ['body', 'types', 'encoding', 'headers'] as const

function jsonOf(value: string | number | boolean | Value, bmp: boolean): string {
  if (typeof value === 'object') return typedJson(value, bmp)
  return typeof value === 'string' ? quote(value, bmp) : JSON.stringify(value)
}

const typedProperties = ['messageId', 'correlationId', 'userId']
/** The type of each property that is no `Value`. */
const plainProperties: Readonly<Record<string, string>> = {
  replyTo: 'string',
  contentType: 'string',
  contentEncoding: 'string',
  subject: 'string',
  groupId: 'string',
  appId: 'string',
  trail: 'string',
  groupSequence: 'integer',
  priority: 'integer',
  expiresAt: 'number',
  createdAt: 'number',
  durable: 'boolean',
  retained: 'boolean',
} satisfies Record<
  Exclude<keyof Properties, 'messageId' | 'correlationId' | 'userId' | 'deduplicationId' | 'delay'>,
  string
>
const kinds = ['text', 'bytes', 'object', 'map', 'list', 'none']
const encodings = ['base64', 'typed', 'empty']

/** Undefined when the text is not as `propertiesJson` writes it: then it is a header like any other. */
export function parseProperties(json: string): Carried | undefined {
  try {
    const all: unknown = JSON.parse(json)
    if (typeof all !== 'object' || all === null || Array.isArray(all) || json === '{}') return undefined
    const properties: Record<string, unknown> = {}
    const notes: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(all)) {
      if (typedProperties.includes(name)) properties[name] = valueFromJson(value)
      else if (isPlain(name, value)) properties[name] = value
      else if (isNote(name, value)) notes[name] = value
      else return undefined
    }
    return { properties, notes }
  } catch {
    return undefined
  }
}

function isPlain(name: string, value: unknown): boolean {
  if (!Object.hasOwn(plainProperties, name)) return false
  const type = plainProperties[name]
  return type === 'integer' ? Number.isSafeInteger(value) : typeof value === type && !isInfinite(value)
}

/** JSON has numbers that JavaScript reads as infinite. Any other time is taken: AMQP 1.0 has some past 2^53. */
const isInfinite = (value: unknown): boolean => typeof value === 'number' && !Number.isFinite(value)

function isNote(name: string, value: unknown): boolean {
  if (name === 'body') return kinds.includes(value as string)
  if (name === 'encoding') return encodings.includes(value as string)
  if (name === 'types') return typeof value === 'object' && value !== null
  return (
    name === 'headers' &&
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(type => typeof type === 'string')
  )
}
