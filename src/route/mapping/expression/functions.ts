import jsonata from 'jsonata'
import { MessageRefused } from '../../../core/errors.ts'
import { LargeInteger } from './large-integer.ts'
import { maxItems, maxText } from './limits.ts'
import { Stopwatch } from './stopwatch.ts'
import { contains } from './syntax.ts'

/** `$sort`, `$distinct` and `$spread` take the square of their list's length. */
const maxSquared = 10_000

/** A function of JSONata as its environment holds it (`defineFunction`, jsonata 2.2). */
interface Native {
  readonly _jsonata_function: true
  readonly implementation: (this: Focus, ...given: unknown[]) => unknown
  readonly signature?: unknown
}

interface Focus {
  readonly environment: { readonly base: object }
}

/** Those that loop over text or lists of any length by themselves, where JSONata does not look at its limits. */
const looping =
  'string substring substringBefore substringAfter lowercase uppercase length trim pad match contains replace split join ' +
  'formatNumber formatInteger base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl ' +
  'map zip filter single reduce sift keys lookup append spread merge reverse each sort shuffle distinct'

/** Gives an expression functions that keep within bounds and know integers past 2^53. */
export function addFunctions(expression: jsonata.Expression): void {
  for (const [name, native] of natives) expression.assign(name, native)
  expression.registerFunction('clone', copy, '<(oa)-:o>')
  expression.registerFunction('type', typeOf, '<x:s>')
  expression.registerFunction(contains, isIn)
}

const stopwatches = new WeakMap<object, Stopwatch>()

function bounded(name: string, native: Native): Native {
  const { implementation } = native
  const check = checks[name]
  function within(this: Focus, ...given: unknown[]): unknown {
    const { base } = this.environment
    const stopwatch = stopwatches.get(base) ?? new Stopwatch()
    stopwatches.set(base, stopwatch)
    if (stopwatch.isOver()) throw new MessageRefused(`$${name} was called for too long`)
    for (const one of given) checkSize(name, one)
    check?.(...given)
    const result = implementation.apply(this, given)
    checkSize(name, result)
    return result
  }
  // JSONata reads the parameters of what it applies in part from the text of the function, and how many there are from its length.
  within.toString = () => String(implementation)
  Object.defineProperty(within, 'length', { value: implementation.length })
  return { ...native, implementation: within }
}

function checkSize(name: string, value: unknown): void {
  if (typeof value === 'string' && value.length > maxText) throw tooLong(name)
}

const tooLong = (name: string) => new MessageRefused(`$${name} has a text of more than ${maxText} characters`)
const tooMany = (name: string, most: number) =>
  new MessageRefused(`$${name} has a list of more than ${most} items`)

const squared = (name: string) => (list: unknown) => {
  if (Array.isArray(list) && list.length > maxSquared) throw tooMany(name, maxSquared)
}

/** What would be too large once it is there. */
const checks: Readonly<Record<string, (...given: unknown[]) => void>> = {
  pad: (_text, width, character) => {
    if (Math.abs(Number(width)) * Math.max(1, String(character ?? '').length) > maxText) throw tooLong('pad')
  },
  join: (list, separator) => {
    const between = String(separator ?? '').length
    const items: readonly unknown[] = Array.isArray(list) ? list : []
    if (items.reduce((sum: number, item) => sum + String(item).length + between, 0) > maxText)
      throw tooLong('join')
  },
  append: (first, second) => {
    if (lengthOf(first) + lengthOf(second) > maxItems) throw tooMany('append', maxItems)
  },
  string: structure => countInto({ left: maxText }, structure),
  distinct: squared('distinct'),
  spread: squared('spread'),
  sort: squared('sort'),
}

const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 1)

const natives: ReadonlyMap<string, Native> = new Map(
  await Promise.all(
    looping
      .split(' ')
      .map(async name => [name, bounded(name, await jsonata(`$${name}`).evaluate({}))] as const),
  ),
)

/** One part may stand in many places of a structure, which is then small here and endless as text. */
function countInto(room: { left: number }, part: unknown): void {
  if (typeof part !== 'object' || part === null) return
  for (const inner of Object.values(part)) {
    room.left -= typeof inner === 'string' ? inner.length : 1
    if (room.left < 0) throw tooLong('string')
    countInto(room, inner)
  }
}

/** JSONata's own goes through JSON text and would round. */
function copy(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(copy)
  if (typeof part !== 'object' || part === null || part instanceof LargeInteger) return part
  return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, copy(value)]))
}

function typeOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (value instanceof LargeInteger) return 'number'
  if (
    typeof value === 'function' ||
    '_jsonata_lambda' in Object(value) ||
    '_jsonata_function' in Object(value)
  )
    return 'function'
  return typeof value
}

/** JSONata's `in` knows objects, which large integers are to it, by identity. */
function isIn(value: unknown, list: unknown): boolean {
  if (value === undefined || list === undefined) return false
  const items: readonly unknown[] = Array.isArray(list) ? list : [list]
  return value instanceof LargeInteger
    ? items.some(item => item instanceof LargeInteger && item.integer === value.integer)
    : items.includes(value)
}
