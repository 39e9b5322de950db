import type { Mapped } from '../step.ts'
import { maxItems } from './limits.ts'
import { isNumber, operators, textOf, truthOf } from './operators.ts'
import type { Plain } from './plain.ts'
import { type Answer, plainReader, unsure } from './reading.ts'
import { at, filtered, named, walked } from './sequence.ts'
import type { Syntax } from './syntax.ts'

/** Answers as JSONata would, at once; `unsure` where it would refuse and in corners, and then JSONata has the word. */
type Quick<Context> = (context: Context) => Answer

/** How names are read: from the message, or from one item of a path. */
type Paths<Context> = (steps: readonly Syntax[]) => Quick<Context> | undefined

/** Undefined for an expression that is JSONata's alone. Its parts and rules are those of jsonata 2.2's evaluator. */
export const quick = (syntax: Syntax): Quick<Mapped> | undefined => compiled(syntax, pathInMessage)

/** The names of the steps of a path that has nothing else. */
export function namesOf({ type, steps }: Syntax): readonly string[] | undefined {
  if (type !== 'path' || !steps!.every(step => step.type === 'name' && isPlain(step))) return undefined
  return steps!.map(step => String(step.value))
}

function compiled<C>(syntax: Syntax, paths: Paths<C>): Quick<C> | undefined {
  if (!isPlain(syntax)) return undefined
  const { type, value } = syntax
  switch (type) {
    case 'string':
    case 'number':
    case 'value':
      return () => value as Answer
    case 'path':
      return paths(syntax.steps!)
    case 'block':
      return syntax.expressions!.length === 1 ? compiled(syntax.expressions![0]!, paths) : undefined
    case 'condition':
      return quickCondition(syntax, paths)
    case 'function':
      return quickFunction(syntax, paths)
    case 'binary':
      return quickBinary(syntax, paths)
    case 'unary':
      return value === '{' ? quickObject(syntax, paths) : value === '[' ? quickList(syntax, paths) : undefined
  }
  return undefined
}

/** Predicates but in paths, groups, bindings, `[]` after a path and the like are keys of their own. */
const isPlain = (syntax: Syntax): boolean => Object.keys(syntax).every(key => plainKeys.has(key))
const plainKeys = new Set(
  'type value name position steps lhs rhs arguments procedure expressions condition then else'.split(' '),
)

function pathInMessage(steps: readonly Syntax[]): Quick<Mapped> | undefined {
  const names = steps.map(step => (step.type === 'name' && isPlain(step) ? String(step.value) : undefined))
  // One name leads into the body and the like, two to a header.
  const first = names[0] === 'body' || names[0] === 'address' ? 1 : 2
  const [start, rest] = [names.slice(0, first), stepsOf(steps.slice(first))]
  if (!rest || !isNames(start)) return undefined
  const read = plainReader(start)
  const readAll = isNames(names) ? plainReader(names) : undefined
  if (!read || rest.length === 0) return readAll
  return message => {
    const straight = readAll ? readAll(message) : unsure
    if (straight !== unsure) return straight
    const from = read(message)
    return from === undefined || from === unsure ? from : walked(from, rest)
  }
}

const isNames = (names: readonly (string | undefined)[]): names is readonly string[] =>
  !names.includes(undefined)

function pathInItem(steps: readonly Syntax[]): Quick<Plain> | undefined {
  const all = stepsOf(steps)
  return all && (item => walked(item, all))
}

function stepsOf(steps: readonly Syntax[]): readonly Quick<Plain>[] | undefined {
  const all = steps.map(stepOf)
  return all.includes(undefined) ? undefined : (all as Quick<Plain>[])
}

function stepOf({ stages = [], ...step }: Syntax): Quick<Plain> | undefined {
  const name = String(step.value)
  const read =
    step.type !== 'name'
      ? compiled(step, pathInItem)
      : isPlain(step)
        ? (item: Plain) => named(item, name)
        : undefined
  const filters = stages.map(filterOf)
  if (!read || filters.includes(undefined)) return undefined
  if (filters.length === 0) return read
  return item => {
    let answer = read(item)
    for (const filter of filters) {
      // A filter of nothing has its own ways.
      if (answer === undefined || answer === unsure) return unsure
      answer = filter!(answer)
    }
    return answer
  }
}

function filterOf(stage: Syntax): Quick<Plain> | undefined {
  const { type, expr } = stage
  if (type !== 'filter' || !expr) return undefined
  if (expr.type === 'number') return list => at(list, expr.value as number)
  const holds = compiled(expr, pathInItem)
  return holds && (list => filtered(list, holds))
}

function quickCondition<C>({ condition, then, else: other }: Syntax, paths: Paths<C>): Quick<C> | undefined {
  const [test, yes] = [compiled(condition!, paths), compiled(then!, paths)]
  const no = other ? compiled(other, paths) : () => undefined
  if (!test || !yes || !no) return undefined
  return context => {
    const truth = truthOf(test(context))
    return truth === unsure ? unsure : truth ? yes(context) : no(context)
  }
}

function quickBinary<C>({ value: operator, lhs, rhs }: Syntax, paths: Paths<C>): Quick<C> | undefined {
  const [left, right] = [compiled(lhs as Syntax, paths), compiled(rhs!, paths)]
  if (!left || !right) return undefined
  if (operator === 'and' || operator === 'or') {
    const decided = operator === 'or'
    return context => {
      const truth = truthOf(left(context))
      return truth === unsure || truth === decided ? truth : truthOf(right(context))
    }
  }
  const combine = operators[operator as string]
  return combine && (context => combine(left(context), right(context)))
}

/** Keys that are written out, each once (evaluateGroupExpression). */
function quickObject<C>({ lhs }: Syntax, paths: Paths<C>): Quick<C> | undefined {
  const pairs = (lhs as readonly (readonly [Syntax, Syntax])[]).map(
    ([key, value]) =>
      [
        key.type === 'string' && isPlain(key) ? String(key.value) : undefined,
        compiled(value, paths),
      ] as const,
  )
  if (pairs.some(([key, value]) => key === undefined || key.startsWith('_jsonata_') || !value))
    return undefined
  if (new Set(pairs.map(([key]) => key)).size < pairs.length) return undefined
  return context => {
    if (Array.isArray(context)) return unsure
    const made: { [key: string]: Plain } = Object.create(null)
    for (const [key, value] of pairs) {
      const answer = value!(context)
      if (answer === unsure) return unsure
      if (answer !== undefined) made[key!] = answer
    }
    return made
  }
}

/** Lists within are put in item by item, but for those that are written out (evaluateUnary). */
function quickList<C>({ expressions }: Syntax, paths: Paths<C>): Quick<C> | undefined {
  const items = expressions!.map(item => [item.value === '[', compiled(item, paths)] as const)
  if (items.some(([, item]) => !item)) return undefined
  return context => {
    const list: Plain[] = []
    for (const [isWhole, item] of items) {
      const answer = item!(context)
      if (answer === unsure) return unsure
      if (answer === undefined) continue
      if (Array.isArray(answer) && !isWhole) for (const one of answer) list.push(one)
      else list.push(answer)
      if (list.length > maxItems) return unsure
    }
    return list
  }
}

function quickFunction<C>({ procedure, arguments: given }: Syntax, paths: Paths<C>): Quick<C> | undefined {
  const [argument, ...more] = given!
  const of = argument && more.length === 0 && compiled(argument, paths)
  if (!of || procedure?.type !== 'variable' || !isPlain(procedure)) return undefined
  const call = functions[procedure.value as string]
  return (
    call &&
    (context => {
      const answer = of(context)
      return answer === unsure ? unsure : call(answer)
    })
  )
}

/** Functions of one argument that is never taken from the context, since it is there. */
const functions: Readonly<Record<string, (given: Plain | undefined) => Answer>> = {
  exists: given => given !== undefined,
  not: given => {
    if (given === undefined) return undefined
    const truth = truthOf(given)
    return truth === unsure ? unsure : !truth
  },
  string: given => (given === undefined ? undefined : textOf(given)),
  uppercase: given =>
    typeof given === 'string' ? given.toUpperCase() : given === undefined ? undefined : unsure,
  lowercase: given =>
    typeof given === 'string' ? given.toLowerCase() : given === undefined ? undefined : unsure,
  count: given => (given === undefined ? 0 : Array.isArray(given) ? given.length : 1),
  sum: given => {
    if (given === undefined) return undefined
    let total = 0
    for (const one of Array.isArray(given) ? given : [given]) {
      if (!isNumber(one)) return unsure
      total += one
    }
    return total
  },
}
