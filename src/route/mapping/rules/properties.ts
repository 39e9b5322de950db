import { MessageRefused } from '../../../core/errors.ts'
import type { Properties } from '../../../core/message.ts'
import { suggest } from '../../../core/suggest.ts'
import { parseDuration, parseInstant } from '../../../core/units.ts'
import { text, type Value } from '../../../core/value.ts'
import { fromPlain, toText } from '../expression/plain.ts'

/** A property of messages that rules may write. */
export interface Property {
  readonly name: keyof Properties
  /** What the property becomes. Throws MessageRefused for a value that it cannot have. */
  of(value: Value): unknown
}

const asItIs = (value: Value): Value => value

const known = {
  message_id: { name: 'messageId', of: asItIs },
  correlation_id: { name: 'correlationId', of: asItIs },
  user_id: { name: 'userId', of: asItIs },
  reply_to: { name: 'replyTo', of: toText },
  content_type: { name: 'contentType', of: toText },
  content_encoding: { name: 'contentEncoding', of: toText },
  subject: { name: 'subject', of: toText },
  group_id: { name: 'groupId', of: toText },
  group_sequence: { name: 'groupSequence', of: wholeNumberOf },
  priority: { name: 'priority', of: priorityOf },
  durable: { name: 'durable', of: flagOf },
  expires_at: { name: 'expiresAt', of: timeOf },
  created_at: { name: 'createdAt', of: timeOf },
  app_id: { name: 'appId', of: toText },
  retained: { name: 'retained', of: flagOf },
  delay: { name: 'delay', of: durationOf },
  deduplication_id: { name: 'deduplicationId', of: toText },
} as const satisfies Record<string, Property>

export type PropertyKey = keyof typeof known

export const properties: Readonly<Record<PropertyKey, Property>> = known

/** What the route has written on every message and a rule cannot take away; an own deduplication id can be set. */
const kept: readonly string[] = ['trail', 'deduplication_id']

/** The properties that a rule can take away, by their keys in the configuration. */
export const removable: readonly (readonly [key: string, property: Property])[] = Object.entries(
  known,
).filter(([key]) => !kept.includes(key))

/** The property with this key. Throws an Error when there is none that a rule can write. */
export function propertyOf(key: string): Property {
  if (Object.hasOwn(known, key)) return known[key as PropertyKey]
  if (key === 'trail') throw new Error(routesOwn(key))
  throw new Error(
    `there is no property "${key}"${suggest(key, Object.keys(known)) || `; there are ${Object.keys(known).join(', ')}`}`,
  )
}

export const isKept = (key: string): boolean => kept.includes(key)

export const routesOwn = (key: string): string => `properties.${key} is the route's own and stays as it is`

/** As expressions see it. */
export const propertyValue = (value: NonNullable<Properties[keyof Properties]>): Value =>
  typeof value === 'object' ? value : typeof value === 'string' ? text(value) : fromPlain(value)!

const milliseconds = /^\d+(\.\d+)?$/

function priorityOf(value: Value): number {
  const written = toText(value)
  if (/^\d$/.test(written)) return Number(written)
  throw new MessageRefused(`a priority is a whole number from 0 to 9, and here it is ${written}`)
}

/** A duration as people write it, or a number of milliseconds. */
export function durationOf(value: Value): number {
  const written = toText(value)
  const duration = milliseconds.test(written) ? Math.round(Number(written)) : parseDuration(written)
  if (duration !== undefined && duration <= Number.MAX_SAFE_INTEGER) return duration
  throw new MessageRefused(
    `a duration is written 200ms, 30s, 5m or 12h, or is a number of milliseconds, and here it is ${written}`,
  )
}

/** Milliseconds since 1970, or ISO 8601. */
function timeOf(value: Value): number {
  if (value.type === 'timestamp') return value.value
  const written = toText(value)
  const time = milliseconds.test(written) ? Math.round(Number(written)) : parseInstant(written)
  if (Number.isSafeInteger(time)) return time!
  throw new MessageRefused(
    `a time is written in ISO 8601 with its zone, or is a number of milliseconds since 1970, and here it is ${written}`,
  )
}

function wholeNumberOf(value: Value): number {
  const written = toText(value)
  if (/^\d{1,10}$/.test(written)) return Number(written)
  throw new MessageRefused(`a group sequence is a whole number, and here it is ${written}`)
}

function flagOf(value: Value): boolean {
  const written = toText(value)
  if (written === 'true' || written === 'false') return written === 'true'
  throw new MessageRefused(`this property is true or false, and here it is ${written}`)
}
