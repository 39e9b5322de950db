import { LargeInteger } from './large-integer.ts'
import { maxItems } from './limits.ts'
import { truthOf } from './operators.ts'
import type { Plain } from './plain.ts'
import { type Answer, unsure } from './reading.ts'

/**
 * What a step of a path gives, as opposed to a list that was there: one of a single item is that item (jsonata 2.2,
 * createSequence).
 */
const sequences = new WeakSet<object>()

const isSequence = (answer: unknown): boolean => Array.isArray(answer) && sequences.has(answer)

/** What the evaluation of a part ends with. */
function single(items: readonly Plain[]): Answer {
  return items.length < 2 ? items[0] : asSequence(items)
}

/** Steps in turn, each on all that the one before gave (evaluatePath, evaluateStep). */
export function walked(input: Plain, steps: readonly ((item: Plain) => Answer)[]): Answer {
  let items: readonly Plain[] = Array.isArray(input) ? input : [input]
  for (const [i, step] of steps.entries()) {
    const given: Plain[] = []
    for (const item of items) {
      const answer = step(item)
      if (answer === unsure) return unsure
      if (answer !== undefined) given.push(answer)
    }
    const [first] = given
    if (i === steps.length - 1 && given.length === 1 && Array.isArray(first) && !isSequence(first))
      return first
    items = flat(given)
    if (items.length > maxItems) return unsure
    if (items.length === 0) return undefined
  }
  return single(items)
}

function flat(given: readonly Plain[]): readonly Plain[] {
  const items: Plain[] = []
  for (const one of given) {
    if (Array.isArray(one)) for (const item of one) items.push(item)
    else items.push(one)
  }
  return items
}

/** A name as a step (lookup). */
export function named(input: Plain, name: string): Answer {
  if (!Array.isArray(input)) {
    if (typeof input !== 'object' || input === null || input instanceof LargeInteger) return undefined
    return Object.hasOwn(input, name) ? (input as { readonly [key: string]: Plain })[name] : undefined
  }
  const found: Plain[] = []
  for (const item of input) collect(found, inner(item, name))
  return single(found)
}

function collect(found: Plain[], answer: Answer): void {
  if (Array.isArray(answer)) for (const item of answer) found.push(item)
  else if (answer !== undefined) found.push(answer as Plain)
}

/** Lists in lists come out flat, whatever their length. */
function inner(item: Plain, name: string): Answer {
  if (!Array.isArray(item)) return named(item, name)
  const found: Plain[] = []
  for (const one of item) collect(found, inner(one, name))
  return found
}

/** The one at a place, from the end where it is negative (evaluateFilter with a number). */
export function at(answer: Plain, place: number): Answer {
  const item = listOf(answer).at(Math.floor(place))
  if (Array.isArray(item)) return item
  return asSequence(item === undefined ? [] : [item])
}

/** Those for which the condition holds; one that is a number is a place, and JSONata's. */
export function filtered(answer: Plain, holds: (item: Plain) => Answer): Answer {
  const left: Plain[] = []
  for (const item of listOf(answer)) {
    const condition = holds(item)
    const truth = typeof condition === 'number' ? unsure : truthOf(condition)
    if (truth === unsure) return unsure
    if (truth) left.push(item)
  }
  return asSequence(left)
}

const listOf = (answer: Plain): readonly Plain[] => (Array.isArray(answer) ? answer : [answer])

function asSequence(items: readonly Plain[]): readonly Plain[] {
  sequences.add(items)
  return items
}
