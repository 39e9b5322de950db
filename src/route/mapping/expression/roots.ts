import type { Syntax } from './syntax.ts'

/** What an expression sees of a message. */
export const allRoots = ['address', 'body', 'properties', 'headers', 'captures', 'lookup'] as const
export type Root = (typeof allRoots)[number]

/**
 * The parts of a message that an expression can come to, so that the others need not be made: those whose names are in it,
 * and all where it may take the whole (`$`, `$$`, wildcards, functions that take the context when they are given nothing).
 */
export function rootsOf(syntax: Syntax): readonly Root[] {
  const words = new Set<unknown>()
  return takesWhole(syntax, words) ? allRoots : allRoots.filter(root => words.has(root))
}

function takesWhole(part: unknown, words: Set<unknown>): boolean {
  if (typeof part !== 'object' || part === null || part instanceof RegExp) return false
  const { type, value, arguments: given, procedure } = part as Syntax
  words.add(value)
  if (wholes.has(type) || 'signature' in part) return true
  if (type === 'variable' && takers.has(value)) return true
  if (type === 'function' && given?.length === 0 && !givers.has(procedure?.value)) return true
  return Object.values(part).some(inner => takesWhole(inner, words))
}

const wholes = new Set(['wildcard', 'descendant', 'parent'])
/** `$` and `$$`, and the functions whose first argument may be left out before another. */
const takers = new Set<unknown>(['', '$', 'eval', 'each', 'sift', 'lookup'])
const givers = new Set<unknown>(['now', 'millis', 'random'])

/**
 * The first name in an expression that is looked for in the message itself and is no part of one. Names in filters, in functions
 * and behind a `.` are those of what they are about, and may be any.
 */
export function strangeName(syntax: Syntax): Syntax | undefined {
  const { type, steps, lhs, rhs, arguments: given, expression, expressions, condition } = syntax
  if (type === 'name') return isRoot(syntax.value) ? undefined : syntax
  if (type === 'lambda' || type === 'transform') return undefined
  const pairs = Array.isArray(lhs) ? (lhs.flat() as readonly Syntax[]) : [lhs as Syntax | undefined]
  const others = [condition, syntax.then, syntax.else, ...pairs, rhs, expression]
  for (const inner of [steps?.[0], ...others, ...(given ?? []), ...(expressions ?? [])]) {
    const found = inner && strangeName(inner)
    if (found) return found
  }
  return undefined
}

const isRoot = (name: unknown): boolean => allRoots.includes(name as Root)
