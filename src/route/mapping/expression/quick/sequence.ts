import { LargeInteger } from '../large-integer.ts'
import { maxItems } from '../limits.ts'
import type { Plain } from '../plain.ts'
import { type Answer, unsure } from '../reading.ts'
import { type Frame, looksAt, type Quick } from './frame.ts'
import { isNumber, truthOf } from './operators.ts'

/**
 * Of what a step of a path gives, as opposed to a list that was there: one of a single item is that item, and one of none is
 * nothing (jsonata 2.2, createSequence).
 */
const mark = Symbol('sequence')

export const isSequence = (answer: unknown): boolean => Array.isArray(answer) && mark in answer

/** Makes a sequence of a list that nothing else has. */
export const sequence = (items: Plain[]): readonly Plain[] => Object.assign(items, { [mark]: true })

/** What the evaluation of a part ends with. */
export const ended = (list: readonly Plain[]): Answer =>
  list.length < 2 && isSequence(list) ? list[0] : list

/** What a list of items is, or the one. */
export const listOf = (answer: Plain): readonly Plain[] => (Array.isArray(answer) ? answer : [answer])

/** What a step makes of all that the one before gave. */
export type Step = (
  items: readonly Plain[],
  isLast: boolean,
  frame: Frame,
) => readonly Plain[] | typeof unsure

/** Steps in turn (evaluatePath). */
export function walked(
  items: readonly Plain[],
  steps: readonly Step[],
  frame: Frame,
): readonly Plain[] | typeof unsure {
  let list = items
  for (let i = 0; i < steps.length; i++) {
    const given = steps[i]!(list, i === steps.length - 1, frame)
    if (given === unsure || given.length === 0) return given
    list = given
  }
  return list
}

/** What it reads of each, put in a row (evaluateStep). */
export const each =
  (read: Quick): Step =>
  (items, isLast, frame) => {
    if (looksAt(items.length, frame)) return unsure
    const all: Plain[] = []
    let count = 0
    let first: Plain | undefined
    for (const item of items) {
      const answer = read(item, frame)
      if (answer === unsure) return unsure
      if (answer === undefined) continue
      if (++count === 1) first = answer
      if (Array.isArray(answer)) for (const one of answer) all.push(one)
      else all.push(answer)
      if (all.length > maxItems) return unsure
    }
    return isLast && count === 1 && Array.isArray(first) && !isSequence(first) ? first : sequence(all)
  }

/** A name as a step (lookup). */
export function named(input: Plain | undefined, name: string): Answer {
  if (!Array.isArray(input)) {
    if (typeof input !== 'object' || input === null || input instanceof LargeInteger) return undefined
    return Object.hasOwn(input, name) ? (input as { readonly [key: string]: Plain })[name] : undefined
  }
  const found: Plain[] = []
  for (const item of input) collect(found, inner(item, name))
  return ended(sequence(found))
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
export function at(items: readonly Plain[], place: number): readonly Plain[] {
  const item = items.at(Math.floor(place))
  if (Array.isArray(item)) return item
  return sequence(item === undefined ? [] : [item])
}

/** Those for which the condition holds; one that is a number is a place, and JSONata's. */
export function filtered(
  items: readonly Plain[],
  holds: Quick,
  frame: Frame,
): readonly Plain[] | typeof unsure {
  if (looksAt(items.length, frame)) return unsure
  const left: Plain[] = []
  for (const item of items) {
    const condition = holds(item, frame)
    const truth = typeof condition === 'number' ? unsure : truthOf(condition)
    if (truth === unsure) return unsure
    if (truth) left.push(item)
  }
  return sequence(left)
}

/** One of the things to sort by, the first in the first place. */
export interface Term {
  readonly key: Quick
  readonly isDescending: boolean
}

/** By texts or by numbers, with those that have none behind (evaluateSortExpression). The result is a list. */
export const sorted =
  (terms: readonly Term[]): Step =>
  (items, _, frame) =>
    items.length < 2 ? sequence([...items]) : inOrder(items, terms, frame)

/** What comes later in the terms is read of those only that are equal up to there. */
function inOrder(
  items: readonly Plain[],
  [term, ...others]: readonly Term[],
  frame: Frame,
): readonly Plain[] | typeof unsure {
  if (items.length < 2 || !term) return items
  if (looksAt(items.length, frame)) return unsure
  const groups = Map.groupBy(items, item => term.key(item, frame))
  const keys = [...groups.keys()]
  if (!areKeys(keys)) return unsure
  const list: Plain[] = []
  for (const key of keys.sort((a, b) => compared(a, b, term.isDescending))) {
    const group = inOrder(groups.get(key)!, others, frame)
    if (group === unsure) return unsure
    for (const item of group) list.push(item)
  }
  return list
}

/** Texts or numbers, or nothing. */
type Key = string | number | undefined

/** JSONata refuses others when it comes to compare them. */
function areKeys(keys: Answer[]): keys is Key[] {
  const some = keys.filter(key => key !== undefined)
  return some.every(key => typeof key === 'string') || some.every(isNumber)
}

function compared(a: Key, b: Key, isDescending: boolean): number {
  // Array.prototype.sort puts undefined behind by itself.
  return a! < b! === isDescending ? 1 : -1
}
