import { isUtf8 } from 'node:buffer'
import { plainJson } from '../core/json/typed-json.ts'
import type { Body, Message } from '../core/message.ts'
import { snakeCase } from '../core/property-names.ts'
import { valueOfBody } from '../core/structured-body.ts'
import type { Value } from '../core/value.ts'

/** What a step did to one part of a message. Absent: the part was not there. */
export interface Change {
  /** `body`, `address`, `headers.x`, `properties.group_id`, `captures.line`. */
  readonly part: string
  readonly before?: string
  readonly after?: string
}

/** Parts of a message by their names in expressions, as text for people. */
export function partsOf(message: Message): ReadonlyMap<string, string> {
  const { address, body, ...maps } = message
  const parts = new Map([['address', JSON.stringify(address)]])
  if (body.kind !== 'none') parts.set('body', bodyText(body))
  for (const [map, values] of Object.entries(maps)) {
    if (typeof values !== 'object' || values === null) continue
    for (const [name, value] of Object.entries(values as Readonly<Record<string, Value>>)) {
      if (value === undefined) continue
      parts.set(`${map}.${map === 'properties' ? snakeCase(name) : name}`, valueText(name, value))
    }
  }
  return parts
}

export function changesBetween(before: Message, after: Message): readonly Change[] {
  const [old, now] = [partsOf(before), partsOf(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names
    .filter(part => old.get(part) !== now.get(part))
    .map(part => ({
      part,
      ...(old.has(part) && { before: old.get(part)! }),
      ...(now.has(part) && { after: now.get(part)! }),
    }))
}

/** A value with its type; text is in quotes and has none. */
function valueText(name: string, value: Value | string | number | boolean): string {
  if (typeof value !== 'object') {
    const time = /^(expires|created)At$/.test(name) ? new Date(Number(value)) : undefined
    return time && !Number.isNaN(time.getTime()) ? time.toISOString() : JSON.stringify(value)
  }
  const json = plainJson(value)
  return value.type === 'string' || value.type === 'null' ? json : `${json} (${value.type})`
}

/** The whole body, its kind before it: whoever prints it shortens it. */
function bodyText(body: Body): string {
  switch (body.kind) {
    case 'none':
      return 'none'
    case 'text':
      return `text of ${count(Buffer.byteLength(body.text))}: ${body.text}`
    case 'map':
    case 'list':
      return `${body.kind}: ${plainJson(valueOfBody(body))}`
    default:
      return `${body.kind} of ${count(body.bytes.length)}: ${bytesText(body.bytes)}`
  }
}

const count = (bytes: number): string => `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`

/** As text where it is text, else in base64. */
export const bytesText = (bytes: Uint8Array): string =>
  isUtf8(bytes) && !/\p{Cc}(?<![\t\n\r])/u.test(Buffer.from(bytes).toString())
    ? Buffer.from(bytes).toString()
    : `base64 ${Buffer.from(bytes).toString('base64')}`
