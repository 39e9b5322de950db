import type { Mapped } from '../../step.ts'
import type { Plain } from '../plain.ts'
import { type Answer, unsure } from '../reading.ts'
import type { Syntax } from '../syntax.ts'

/**
 * Answers about a context (an item of a path; nothing where the message itself is it) as JSONata would, at once; `unsure` where
 * it would refuse and in corners, and then JSONata has the word.
 */
export type Quick = (context: Plain | undefined, frame: Frame) => Answer

/** One evaluation. */
export interface Frame {
  readonly message: Mapped
  /** Of the variables, at the places that their scopes gave them. */
  readonly values: (Plain | undefined)[]
  /** How many items may still be looked at. */
  left: number
}

/** What is long goes to JSONata, which looks at the clock. */
const maxWork = 100_000

export const frameOf = (message: Mapped): Frame => ({ message, values: [], left: maxWork })

/** Counts items that are looked at. Unsure when there are too many. */
export function looksAt(count: number, frame: Frame): typeof unsure | undefined {
  frame.left -= count
  return frame.left < 0 ? unsure : undefined
}

/** What the names in a part of an expression mean. */
export interface Scope {
  /** Is the context the message? */
  readonly isMessage: boolean
  readonly places: ReadonlyMap<string, number>
  /** The first that is free. */
  readonly next: number
}

export const messageScope: Scope = { isMessage: true, places: new Map(), next: 0 }

export const ofItems = (scope: Scope): Scope => ({ ...scope, isMessage: false })

/** The scope in which these variables are known too; they stand at `scope.next` and behind. */
export function declaring(scope: Scope, names: readonly string[]): Scope {
  const places = new Map(scope.places)
  for (const [i, name] of names.entries()) places.set(name, scope.next + i)
  return { ...scope, places, next: scope.next + names.length }
}

/** Undefined for what is JSONata's alone. */
export type Compile = (syntax: Syntax, scope: Scope) => Quick | undefined

/** Has it no key but these and those that say what it is and where? */
export const hasOnly = (syntax: Syntax, ...keys: readonly (keyof Syntax)[]): boolean =>
  Object.entries(syntax).every(
    ([key, value]) => value === undefined || always.has(key) || keys.includes(key as keyof Syntax),
  )

const always = new Set(['type', 'value', 'position'])

export const isVariable = (syntax: Syntax | undefined): syntax is Syntax =>
  syntax?.type === 'variable' && hasOnly(syntax)
