import type { Plain } from '../plain.ts'
import { type Answer, unsure } from '../reading.ts'
import type { Syntax } from '../syntax.ts'
import { type Compile, type Frame, hasOnly, looksAt, type Quick, type Scope } from './frame.ts'
import { listOf } from './sequence.ts'

type Pair = readonly [key: Quick, value: Quick]

/** An object of the context (evaluateGroupExpression). */
export function quickObject(syntax: Syntax, scope: Scope, compile: Compile): Quick | undefined {
  const pairs = pairsOf(syntax, scope, compile)
  if (!pairs) return undefined
  const names = (syntax.lhs as readonly (readonly [Syntax, Syntax])[]).map(([key]) => nameOf(key))
  const isWritten = !names.includes(undefined) && new Set(names).size === names.length
  const values = pairs.map(([, value]) => value)
  return (context, frame) =>
    isWritten && !Array.isArray(context)
      ? written(names as readonly string[], values, context, frame)
      : gathered(listOf(context as Plain), pairs, frame)
}

/** A key that is written out. */
const nameOf = (key: Syntax): string | undefined =>
  key.type === 'string' && hasOnly(key) && !isReserved(String(key.value)) ? String(key.value) : undefined

function written(
  names: readonly string[],
  values: readonly Quick[],
  context: Plain | undefined,
  frame: Frame,
): Answer {
  const made: { [key: string]: Plain } = Object.create(null)
  for (let i = 0; i < names.length; i++) {
    const answer = values[i]!(context, frame)
    if (answer === unsure) return unsure
    if (answer !== undefined) made[names[i]!] = answer
  }
  return made
}

const isReserved = (key: string): boolean => key.startsWith('_jsonata_')

/** An object with a value for each key that the items give, made of all items that give it. */
export function quickGroups(syntax: Syntax, scope: Scope, compile: Compile) {
  const pairs = pairsOf(syntax, scope, compile)
  return pairs && ((items: readonly Plain[], frame: Frame) => gathered(items, pairs, frame))
}

function pairsOf({ lhs }: Syntax, scope: Scope, compile: Compile): readonly Pair[] | undefined {
  const pairs = (lhs as readonly (readonly [Syntax, Syntax])[]).map(
    ([key, value]) => [compile(key, scope), compile(value, scope)] as const,
  )
  return pairs.some(([key, value]) => !key || !value) ? undefined : (pairs as readonly Pair[])
}

function gathered(items: readonly Plain[], pairs: readonly Pair[], frame: Frame): Answer {
  if (looksAt(items.length * pairs.length, frame)) return unsure
  const groups = groupsOf(items, pairs, frame)
  return groups === unsure ? unsure : valuesOf(groups, frame)
}

interface Group {
  readonly value: Quick
  readonly items: Plain[]
}

type Groups = { readonly [key: string]: Group }

/** JSONata has the word where two pairs give one key, and where lists would be put in a row. */
function groupsOf(items: readonly Plain[], pairs: readonly Pair[], frame: Frame): Groups | typeof unsure {
  const groups: { [key: string]: Group } = Object.create(null)
  if (items.length === 0) return unsure
  for (const item of items) {
    if (Array.isArray(item)) return unsure
    for (const [key, value] of pairs) {
      const name = key(item, frame)
      if (name === undefined) continue
      if (typeof name !== 'string' || isReserved(name)) return unsure
      const group = groups[name] ?? { value, items: [] }
      if (group.value !== value) return unsure
      group.items.push(item)
      groups[name] = group
    }
  }
  return groups
}

function valuesOf(groups: Groups, frame: Frame): Answer {
  const made: { [key: string]: Plain } = Object.create(null)
  for (const [name, { value, items }] of Object.entries(groups)) {
    const answer = value(items.length === 1 ? items[0] : items, frame)
    if (answer === unsure) return unsure
    if (answer !== undefined) made[name] = answer
  }
  return made
}
