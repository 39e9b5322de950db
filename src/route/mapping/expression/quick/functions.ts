import { maxText } from '../limits.ts'
import type { Plain } from '../plain.ts'
import { type Answer, unsure } from '../reading.ts'
import type { Syntax } from '../syntax.ts'
import { type Compile, declaring, hasOnly, isVariable, looksAt, type Quick, type Scope } from './frame.ts'
import { isNumber, textOf, truthOf } from './operators.ts'
import { ended, listOf, sequence } from './sequence.ts'

export function quickFunction(
  { procedure, arguments: given }: Syntax,
  scope: Scope,
  compile: Compile,
): Quick | undefined {
  if (!isVariable(procedure)) return undefined
  const name = String(procedure.value)
  if (scope.places.has(name)) return undefined
  if (Object.hasOwn(higher, name)) return overList(name, given!, scope, compile)
  const [call, all] = [
    Object.hasOwn(functions, name) ? functions[name] : undefined,
    given!.map(one => compile(one, scope)),
  ]
  // None is taken from the context, since all are there.
  if (!call || all.length !== call.length || all.includes(undefined)) return undefined
  return (context, frame) => {
    const answers: (Plain | undefined)[] = []
    for (const one of all) {
      const answer = one!(context, frame)
      if (answer === unsure) return unsure
      answers.push(answer)
    }
    return call(...(answers as [Plain | undefined, Plain | undefined]))
  }
}

const numbers =
  (combine: (numbers: readonly number[]) => number | undefined) =>
  (given: Plain | undefined): Answer => {
    if (given === undefined) return undefined
    const list = listOf(given)
    return list.every(isNumber) ? combine(list) : unsure
  }

const sum = (list: readonly number[]): number => list.reduce((total, one) => total + one, 0)

const texts =
  (change: (text: string) => string) =>
  (given: Plain | undefined): Answer =>
    typeof given === 'string' ? change(given) : given === undefined ? undefined : unsure

/** They have the arguments that JSONata's have; those that may be left out are two functions there. */
const functions: Readonly<Record<string, (first: Plain | undefined, second: Plain | undefined) => Answer>> = {
  exists: given => given !== undefined,
  not: given => {
    if (given === undefined) return undefined
    const truth = truthOf(given)
    return truth === unsure ? unsure : !truth
  },
  string: given => (given === undefined ? undefined : textOf(given)),
  uppercase: texts(text => text.toUpperCase()),
  lowercase: texts(text => text.toLowerCase()),
  count: given => (given === undefined ? 0 : listOf(given).length),
  sum: numbers(sum),
  max: numbers(list => (list.length === 0 ? undefined : list.reduce((a, b) => Math.max(a, b)))),
  min: numbers(list => (list.length === 0 ? undefined : list.reduce((a, b) => Math.min(a, b)))),
  average: numbers(list => (list.length === 0 ? undefined : sum(list) / list.length)),
  join: (given, between) => {
    if (typeof between !== 'string') return unsure
    if (given === undefined) return undefined
    const list = listOf(given)
    if (!list.every(isText)) return unsure
    const length = list.reduce((all, one) => all + one.length + between.length, 0)
    return length > maxText ? unsure : list.join(between)
  },
}

const isText = (given: Plain): given is string => typeof given === 'string'

/** A function that stands where it is given, on so many of what it was made for. */
interface Lambda {
  readonly count: number
  readonly call: (...given: readonly (Plain | undefined)[]) => Answer
}

/** Functions of a list and a function (map, filter and foldLeft). */
const higher: Readonly<
  Record<string, (list: readonly Plain[], lambda: Lambda, first: Plain | undefined) => Answer>
> = {
  map: (list, { call }) => {
    const made: Plain[] = []
    for (let i = 0; i < list.length; i++) {
      const answer = call(list[i], i, list)
      if (answer === unsure) return unsure
      if (answer !== undefined) made.push(answer)
    }
    return ended(sequence(made))
  },
  filter: (list, { call }) => {
    const left: Plain[] = []
    for (let i = 0; i < list.length; i++) {
      const truth = truthOf(call(list[i], i, list))
      if (truth === unsure) return unsure
      if (truth) left.push(list[i]!)
    }
    return ended(sequence(left))
  },
  reduce: (list, { call, count }, first) => {
    if (count !== 2) return unsure
    const [begin, rest] = first === undefined ? [list[0], list.slice(1)] : [first, list]
    let reached: Plain | undefined = begin
    for (const item of rest) {
      const answer = call(reached, item)
      if (answer === unsure) return unsure
      reached = answer
    }
    return reached
  },
}

/** Is it a call of one of those that give a sequence? */
export const givesSequence = ({ procedure }: Syntax): boolean =>
  procedure?.value === 'map' || procedure?.value === 'filter'

function overList(name: string, given: readonly Syntax[], scope: Scope, compile: Compile): Quick | undefined {
  const [list, lambda, first, ...more] = given
  if (!list || lambda?.type !== 'lambda' || lambda.thunk) return undefined
  if (!hasOnly(lambda, 'arguments', 'body') || more.length > 0 || (first && name !== 'reduce'))
    return undefined
  const names = lambda.arguments!.map(({ value }) => String(value))
  const [items, body] = [compile(list, scope), compile(lambda.body!, declaring(scope, names))]
  const begin = first ? compile(first, scope) : () => undefined
  if (!items || !body || !begin) return undefined
  const run = higher[name]!
  return (context, frame) => {
    const all = items(context, frame)
    const start = begin(context, frame)
    if (all === unsure || start === unsure) return unsure
    if (all === undefined) return undefined
    const each = listOf(all)
    if (looksAt(each.length, frame)) return unsure
    const call = (...values: readonly (Plain | undefined)[]) => {
      for (let i = 0; i < names.length; i++) frame.values[scope.next + i] = values[i]
      return body(context, frame)
    }
    return run(each, { count: names.length, call }, start)
  }
}
