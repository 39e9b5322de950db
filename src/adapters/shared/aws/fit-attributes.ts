import { MessageRefused } from '../../../core/errors.ts'
import type { Headers } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import { matching } from '../../../core/wildcards.ts'
import { propertiesName } from '../carriage/properties.ts'
import type { Service } from './attributes.ts'
import type { Attribute, Attributes } from './calls.ts'
import { packedAttribute, packedName } from './packed.ts'

/** Which headers become attributes, and what becomes of those for which there is no room. */
export interface AttributeOptions {
  readonly order: readonly string[]
  readonly overflow: 'pack' | 'refuse'
}

export interface Fitted {
  readonly attributes: Attributes
  /** How many headers are packed in `sluice_headers`. */
  readonly packed: number
}

/** The attribute for a value, or why there is none. */
export type ToAttribute = (value: Value) => Attribute | string

/** SQS takes ten; SNS takes more and then discards the message on its way to a queue with raw delivery. */
const maxAttributes = 10

/**
 * Headers as message attributes, beside those that are there already (`own`). Where they are too many, or one cannot be an
 * attribute by its name or value, the ones that count most are attributes and the rest is packed in one; with
 * `overflow: refuse` it throws MessageRefused.
 */
export function fitAttributes(
  headers: Headers,
  own: Attributes,
  to: ToAttribute,
  options: AttributeOptions,
  service: Service,
): Fitted {
  const attributes: Record<string, Attribute> = {}
  let count = 0
  for (const name in headers) {
    const attribute = isLegal(name) ? to(headers[name]!) : ''
    if (typeof attribute === 'string') return fitted(headers, own, to, options, service)
    attributes[name] = attribute
    count++
  }
  for (const name in own) {
    if (Object.hasOwn(attributes, name)) return fitted(headers, own, to, options, service)
    attributes[name] = own[name]!
    count++
  }
  return count > maxAttributes ? fitted(headers, own, to, options, service) : { attributes, packed: 0 }
}

function fitted(
  headers: Headers,
  own: Attributes,
  to: ToAttribute,
  { order, overflow }: AttributeOptions,
  service: Service,
): Fitted {
  const names = Object.keys(headers)
  const possible: (readonly [name: string, attribute: Attribute])[] = []
  for (const name of names) {
    const taken = Object.hasOwn(own, name) ? 'the format has an attribute of this name' : undefined
    const attribute = wrongName(name) ?? taken ?? to(headers[name]!)
    if (typeof attribute !== 'string') possible.push([name, attribute])
    else if (overflow === 'refuse') throw noAttribute(name, attribute)
  }
  if (overflow === 'refuse') throw tooMany(names.length, own, service)
  const room = maxAttributes - Object.keys(own).length - 1
  const rank = rankBy(order)
  const kept = possible.toSorted(([a], [b]) => rank(a) - rank(b)).slice(0, room)
  const attributes = { ...own, ...Object.fromEntries(kept) }
  const packed = names.filter(name => !Object.hasOwn(attributes, name) || Object.hasOwn(own, name))
  return {
    attributes: { ...attributes, [packedName]: packedAttribute(headers, packed, service) },
    packed: packed.length,
  }
}

const noAttribute = (name: string, reason: string) =>
  new MessageRefused(`the header ${JSON.stringify(name)} cannot be an attribute: ${reason}`)

function tooMany(count: number, own: Attributes, { name }: Service): MessageRefused {
  const taken = Object.keys(own)
  const which = taken.length === 1 ? 'one of which is' : `${taken.length} of which are`
  return new MessageRefused(
    `the message has ${count} headers and ${name} takes ${maxAttributes} attributes` +
      (taken.length === 0 ? '' : `, ${which} taken by ${taken.join(', ')}`),
  )
}

/**
 * What a consumer must find wherever it can be found comes first: the trace, and where to answer with which token. Then
 * what the configuration names, and the rest as the message has it.
 */
function rankBy(order: readonly string[]): (name: string) => number {
  const patterns = patternsOf(order)
  return name => {
    if (isReserved(name)) return -1
    const at = patterns.findIndex(matches => matches(name))
    return at < 0 ? patterns.length : at
  }
}

const isReserved = (name: string): boolean =>
  name === 'traceparent' || name === 'tracestate' || name.startsWith('sluice_')

const compiled = new WeakMap<readonly string[], readonly ((name: string) => boolean)[]>()

/** Compiled once for each configuration. */
function patternsOf(order: readonly string[]): readonly ((name: string) => boolean)[] {
  const known = compiled.get(order) ?? order.map(pattern => matching([pattern]))
  compiled.set(order, known)
  return known
}

/** Names recur, and looking at one takes longer than finding it here. */
const legal = new Set<string>()
const mostKnown = 1_000

function isLegal(name: string): boolean {
  if (legal.has(name)) return true
  if (wrongName(name) !== undefined) return false
  if (legal.size < mostKnown) legal.add(name)
  return true
}

/** Why the services refuse a name (API reference of MessageAttributeValue; both have the same rules). */
function wrongName(name: string): string | undefined {
  if (name === propertiesName || name === packedName) return "the name is taken by Sluice's own attribute"
  if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name)) {
    return 'names are 1 to 256 of the characters A-Z a-z 0-9 _ - .'
  }
  if (name.startsWith('.') || name.endsWith('.') || name.includes('..')) {
    return 'a name neither begins nor ends with a period, nor has two in a row'
  }
  // JavaScript objects, the SDK's among them, lose it without a word.
  if (name === '__proto__') return 'this one cannot be carried'
  if (/^(aws|amazon)\./i.test(name)) return 'names that begin with AWS. or Amazon. are reserved'
  return undefined
}
