import { isUtf8 } from 'node:buffer'
import { MessageRefused } from '../../../core/errors.ts'
import type { Body, Properties } from '../../../core/message.ts'
import { camelCase, snakeCase } from '../../../core/property-names.ts'
import { valueOfBody } from '../../../core/structured-body.ts'
import { nothing, text, type Value } from '../../../core/value.ts'
import { valueOfJson } from '../codecs/json.ts'
import type { Mapped } from '../step.ts'
import { hasKeyTwice } from './keys.ts'
import { LargeInteger, parseJson } from './large-integer.ts'
import { checkKeys, fromPlain, keyText, type Plain, standsTwice, toPlain } from './plain.ts'
import type { Root } from './roots.ts'

/** These parts of a message as JSONata sees them. */
export function readable(message: Mapped, roots: readonly Root[]): object {
  const seen: { [root in Root]?: Plain } = {}
  for (const root of roots) {
    const part = parts[root](message)
    if (part !== undefined) seen[root] = part
  }
  return seen
}

const parts: Readonly<Record<Root, (message: Mapped) => Plain | undefined>> = {
  address: ({ address }) => address,
  // Made anew, since JSONata puts an item into an empty list that it groups (jsonata 2.2, evaluateGroupExpression).
  body: ({ body }) => readBody(body),
  properties: ({ properties }) => propertiesOf(properties),
  headers: ({ headers }) => plainMap(headers),
  captures: ({ captures }) => captures && plainMap(captures),
  lookup: ({ lookup }) => lookup && plainMap(lookup),
}

const plainMap = (values: Readonly<Record<string, Value>>): Plain =>
  Object.fromEntries(Object.entries(values).map(([k, v]) => [k, toPlain(v)]))

const propertiesOf = (properties: Properties): Plain =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([key, value]: [string, Properties[keyof Properties]]) =>
      value === undefined ? [] : [[snakeCase(key), typeof value === 'object' ? toPlain(value) : value]],
    ),
  )

/** Rules leave bodies in place, so that each is read once for all expressions that are answered at once. */
const bodies = new WeakMap<Body, Plain>()

/** JSON bodies are seen as what they hold, other text as text. */
function bodyOf(body: Body): Plain {
  const known = bodies.get(body)
  if (known !== undefined) return known
  const read = readBody(body)
  bodies.set(body, read)
  return read
}

function readBody(body: Body): Plain {
  switch (body.kind) {
    case 'none':
      return null
    case 'map':
    case 'list':
      return toPlain(valueOfBody(body))
    case 'text':
      return readText(body.text)
    case 'bytes':
      return readText(textOf(body.bytes))
    case 'object':
      throw new MessageRefused('its body is a serialised Java object, which expressions cannot read')
  }
}

/** Not the text with other characters in the place of those that are none. */
function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes))
    throw new MessageRefused(
      'its body is bytes that are no UTF-8, which expressions cannot read: say by a rule "decode" before what they are',
    )
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}

/** What cannot be JSON is not tried, since an error takes longer. */
const maybeJson = /^[ \t\n\r]*["[{\dtfn-]/
const maybeReserved = /_jsonata_|\\u/i

function readText(written: string): Plain {
  if (!maybeJson.test(written)) return written
  try {
    const json = parseJson(written) as Plain
    if (maybeReserved.test(written)) checkKeys(json)
    return hasKeyTwice(written, json) ? toPlain(valueOfJson(written)) : json
  } catch (error) {
    if (error instanceof SyntaxError) return written
    if (error instanceof RangeError)
      throw new MessageRefused('its JSON body is nested too deep to be read', { cause: error })
    throw error
  }
}

/** A list on the way: JSONata goes into each of its items. */
export const unsure = Symbol('unsure')

/** A path that goes through maps alone, as it was on the wire. Undefined where it leads to nothing. */
export type Read = (message: Mapped) => Value | undefined | typeof unsure

/** Reads a path whose steps are names. Undefined for one that begins with none of what an expression sees. */
export function reader([root, ...names]: readonly string[]): Read | undefined {
  const [first, ...rest] = names
  switch (root) {
    case 'address':
      return names.length > 0 ? () => undefined : message => text(message.address)
    case 'body':
      return message => bodyAt(message.body, names)
    case 'properties':
      return first === undefined ? undefined : property(first, rest)
    case 'headers':
    case 'captures':
    case 'lookup':
      if (first === undefined) return undefined
      return message => {
        const values = message[root]
        return values && Object.hasOwn(values, first) ? at(values[first], rest) : undefined
      }
  }
  return undefined
}

function property(name: string, rest: readonly string[]): Read {
  const key = camelCase(name) as keyof Properties
  if (snakeCase(key) !== name) return () => undefined
  return ({ properties }) => {
    const value = Object.hasOwn(properties, key) ? properties[key] : undefined
    return at(typeof value === 'object' ? value : fromPlain(value), rest)
  }
}

function bodyAt(body: Body, names: readonly string[]): ReturnType<Read> {
  switch (body.kind) {
    case 'none':
      return names.length > 0 ? undefined : nothing
    case 'map':
    case 'list':
      return at(valueOfBody(body), names)
    default: {
      const found = plainAt(bodyOf(body), names)
      return found === unsure ? unsure : fromPlain(found)
    }
  }
}

function at(value: Value | undefined, names: readonly string[]): ReturnType<Read> {
  let found = value
  for (const name of names) {
    if (found?.type === 'list') return unsure
    if (found?.type !== 'map') return undefined
    let next: Value | undefined
    for (const [key, inner] of found.value) {
      if (keyText(key) !== name) continue
      if (next) throw standsTwice(name)
      next = inner
    }
    found = next
  }
  return found
}

function plainAt(plain: Plain, names: readonly string[]): Plain | undefined | typeof unsure {
  let found: Plain | undefined = plain
  for (const name of names) {
    if (Array.isArray(found)) return unsure
    if (typeof found !== 'object' || found === null || found instanceof LargeInteger) return undefined
    found = Object.hasOwn(found, name) ? (found as { readonly [key: string]: Plain })[name] : undefined
  }
  return found
}

/** The same as JSONata sees it. */
export function plainReader(names: readonly string[]): ((message: Mapped) => Answer) | undefined {
  const read = reader(names)
  if (!read) return undefined
  const inBody = names.slice(1)
  return message => {
    const { kind } = message.body
    if (names[0] === 'body' && (kind === 'text' || kind === 'bytes' || kind === 'object'))
      return plainAt(bodyOf(message.body), inBody)
    const value = read(message)
    return value === undefined || value === unsure ? value : toPlain(value)
  }
}

export type Answer = Plain | undefined | typeof unsure
