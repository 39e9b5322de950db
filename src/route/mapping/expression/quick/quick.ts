import type { Mapped } from '../../step.ts'
import { maxItems } from '../limits.ts'
import type { Plain } from '../plain.ts'
import { type Answer, unsure } from '../reading.ts'
import type { Syntax } from '../syntax.ts'
import { declaring, frameOf, hasOnly, isVariable, messageScope, type Quick, type Scope } from './frame.ts'
import { givesSequence, quickFunction } from './functions.ts'
import { quickObject } from './objects.ts'
import { negated, operators, truthOf } from './operators.ts'
import { filtersOf, quickPath } from './paths.ts'
import { ended, isSequence } from './sequence.ts'

/** Undefined for an expression that is JSONata's alone. Its parts and rules are those of jsonata 2.2's evaluator. */
export function quick(syntax: Syntax): ((message: Mapped) => Answer) | undefined {
  const answer = compiled(syntax, messageScope)
  return answer && (message => answer(undefined, frameOf(message)))
}

/** The names of the steps of a path that has nothing else. */
export function namesOf(syntax: Syntax): readonly string[] | undefined {
  const { type, steps } = syntax
  if (type !== 'path' || !hasOnly(syntax, 'steps')) return undefined
  if (!steps!.every(step => step.type === 'name' && hasOnly(step))) return undefined
  return steps!.map(step => String(step.value))
}

function compiled(syntax: Syntax, scope: Scope): Quick | undefined {
  const { predicate, ...whole } = syntax
  return predicate ? filteredWhole(whole, predicate, scope) : kinds[syntax.type]?.(syntax, scope)
}

/** Each takes what has its own keys only: groups, bindings, `[]` behind a path and the like are keys too. */
const kinds: Readonly<Record<string, (syntax: Syntax, scope: Scope) => Quick | undefined>> = {
  string: quickLiteral,
  number: quickLiteral,
  value: quickLiteral,
  variable: quickVariable,
  path: (syntax, scope) => quickPath(syntax, scope, compiled),
  block: quickBlock,
  condition: quickCondition,
  function: (syntax, scope) =>
    hasOnly(syntax, 'procedure', 'arguments') ? quickFunction(syntax, scope, compiled) : undefined,
  apply: quickApply,
  lambda: quickTail,
  binary: quickBinary,
  unary: quickUnary,
}

function quickLiteral(syntax: Syntax): Quick | undefined {
  const value = syntax.value as Answer
  return hasOnly(syntax) ? () => value : undefined
}

function quickVariable(syntax: Syntax, { isMessage, places }: Scope): Quick | undefined {
  if (!isVariable(syntax)) return undefined
  if (syntax.value === '') return isMessage ? undefined : context => context
  const place = places.get(String(syntax.value))
  return place === undefined ? undefined : (_, { values }) => values[place]
}

/** Expressions in turn, some of which are kept in variables for those behind them. */
function quickBlock(syntax: Syntax, scope: Scope): Quick | undefined {
  if (!hasOnly(syntax, 'expressions') || syntax.expressions!.length === 0) return undefined
  let known = scope
  const parts: Quick[] = []
  for (const part of syntax.expressions!) {
    const isBound = part.type === 'bind' && hasOnly(part, 'lhs', 'rhs')
    const answer = compiled(isBound ? part.rhs! : part, known)
    if (!answer) return undefined
    parts.push(isBound ? kept(answer, known.next) : answer)
    if (isBound) known = declaring(known, [String((part.lhs as Syntax).value)])
  }
  const last = parts.pop()!
  if (parts.length === 0) return last
  return (context, frame) =>
    parts.some(part => part(context, frame) === unsure) ? unsure : last(context, frame)
}

const kept =
  (answer: Quick, place: number): Quick =>
  (context, frame) => {
    const value = answer(context, frame)
    if (value !== unsure) frame.values[place] = value
    return value
  }

/** A filter behind what is no path. */
function filteredWhole(whole: Syntax, predicate: readonly Syntax[], scope: Scope): Quick | undefined {
  const [answer, filter] = [compiled(whole, scope), filtersOf(predicate, scope, compiled)]
  if (!answer || !filter) return undefined
  return (context, frame) => {
    const given = answer(context, frame)
    // One list that a function gives alone is still in its sequence, which has this one item.
    if (whole.type === 'function' && Array.isArray(given) && !isSequence(given)) return unsure
    const left = filter(given, frame)
    return left === unsure ? unsure : ended(left)
  }
}

function quickCondition(syntax: Syntax, scope: Scope): Quick | undefined {
  const { condition, then, else: other } = syntax
  if (!hasOnly(syntax, 'condition', 'then', 'else')) return undefined
  const [test, yes] = [compiled(condition!, scope), compiled(then!, scope)]
  const no = other ? compiled(other, scope) : () => undefined
  if (!test || !yes || !no) return undefined
  return (context, frame) => {
    const truth = truthOf(test(context, frame))
    return truth === unsure ? unsure : truth ? yes(context, frame) : no(context, frame)
  }
}

/** `a ~> $f(b)` is `$f(a, b)`. */
function quickApply(syntax: Syntax, scope: Scope): Quick | undefined {
  const { lhs, rhs } = syntax
  if (!hasOnly(syntax, 'lhs', 'rhs') || rhs!.type !== 'function') return undefined
  return compiled({ ...rhs!, arguments: [lhs as Syntax, ...rhs!.arguments!] }, scope)
}

/**
 * The call that a function ends with stands in a function of its own, which alone is compiled here: others are for those that
 * take them. A sequence that such a call gives is not ended (applyInner), and those are JSONata's.
 */
function quickTail({ thunk, body }: Syntax, scope: Scope): Quick | undefined {
  return thunk && !givesSequence(body!) ? compiled(body!, scope) : undefined
}

function quickBinary(syntax: Syntax, scope: Scope): Quick | undefined {
  const { value: operator, lhs, rhs } = syntax
  if (!hasOnly(syntax, 'lhs', 'rhs')) return undefined
  const [left, right] = [compiled(lhs as Syntax, scope), compiled(rhs!, scope)]
  if (!left || !right) return undefined
  if (operator === 'and' || operator === 'or') {
    const decided = operator === 'or'
    return (context, frame) => {
      const truth = truthOf(left(context, frame))
      return truth === unsure || truth === decided ? truth : truthOf(right(context, frame))
    }
  }
  const combine = operators[operator as string]
  return combine && ((context, frame) => combine(left(context, frame), right(context, frame)))
}

function quickUnary(syntax: Syntax, scope: Scope): Quick | undefined {
  const { value: operator, expression } = syntax
  if (operator === '{') return hasOnly(syntax, 'lhs') ? quickObject(syntax, scope, compiled) : undefined
  if (operator === '[') return hasOnly(syntax, 'expressions') ? quickList(syntax, scope) : undefined
  const of = hasOnly(syntax, 'expression') && expression && compiled(expression, scope)
  return of ? (context, frame) => negated(of(context, frame)) : undefined
}

/** Lists within are put in item by item, but for those that are written out (evaluateUnary). */
function quickList({ expressions }: Syntax, scope: Scope): Quick | undefined {
  const items = expressions!.map(item => [item.value === '[', compiled(item, scope)] as const)
  if (items.some(([, item]) => !item)) return undefined
  return (context, frame) => {
    const list: Plain[] = []
    for (const [isWhole, item] of items) {
      const answer = item!(context, frame)
      if (answer === unsure) return unsure
      if (answer === undefined) continue
      if (Array.isArray(answer) && !isWhole) for (const one of answer) list.push(one)
      else list.push(answer)
      if (list.length > maxItems) return unsure
    }
    return list
  }
}
