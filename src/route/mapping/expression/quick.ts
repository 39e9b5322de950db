import type { Mapped } from '../step.ts'
import { LargeInteger } from './large-integer.ts'
import { type Answer, plainReader, unsure } from './reading.ts'
import type { Syntax } from './syntax.ts'

/**
 * Answers as JSONata would, at once; `unsure` where it would refuse, or where lists are involved, and then JSONata has the word.
 */
export type Quick = (message: Mapped) => Answer

/** Undefined for an expression that is JSONata's alone. Its parts and rules are those of jsonata 2.2's evaluator. */
export function quick(syntax: Syntax): Quick | undefined {
  if (!isPlain(syntax)) return undefined
  const { value } = syntax
  switch (syntax.type) {
    case 'string':
    case 'number':
    case 'value':
      return () => value as Answer
    case 'path':
      return quickPath(syntax)
    case 'block':
      return syntax.expressions!.length === 1 ? quick(syntax.expressions![0]!) : undefined
    case 'condition':
      return quickCondition(syntax)
    case 'function':
      return quickFunction(syntax)
    case 'binary':
      return quickBinary(syntax)
  }
  return undefined
}

/** The names of the steps of a path that has nothing else. */
export function namesOf(syntax: Syntax): readonly string[] | undefined {
  if (syntax.type !== 'path' || !isPlain(syntax)) return undefined
  if (!syntax.steps!.every(step => step.type === 'name' && isPlain(step))) return undefined
  return syntax.steps!.map(step => String(step.value))
}

/** Predicates, groups, bindings, `[]` and the like are keys of their own. */
const isPlain = (syntax: Syntax): boolean => Object.keys(syntax).every(key => plainKeys.has(key))
const plainKeys = new Set([
  'type',
  'value',
  'name',
  'position',
  'steps',
  'lhs',
  'rhs',
  'arguments',
  'procedure',
  'expressions',
  'condition',
  'then',
  'else',
])

function quickPath(syntax: Syntax): Quick | undefined {
  const names = namesOf(syntax)
  return names && plainReader(names)
}

function quickCondition({ condition, then, else: other }: Syntax): Quick | undefined {
  const [test, yes, no] = [quick(condition!), quick(then!), other ? quick(other) : () => undefined]
  if (!test || !yes || !no) return undefined
  return message => {
    const truth = truthOf(test(message))
    return truth === unsure ? unsure : truth ? yes(message) : no(message)
  }
}

function quickFunction({ procedure, arguments: given }: Syntax): Quick | undefined {
  const [argument, ...more] = given!
  const of = argument && more.length === 0 && quick(argument)
  if (!of || procedure?.type !== 'variable' || !isPlain(procedure)) return undefined
  if (procedure.value === 'exists') {
    return message => {
      const answer = of(message)
      return answer === unsure ? unsure : answer !== undefined
    }
  }
  if (procedure.value !== 'not') return undefined
  return message => {
    const answer = of(message)
    if (answer === undefined) return undefined
    const truth = truthOf(answer)
    return truth === unsure ? unsure : !truth
  }
}

function quickBinary({ value: operator, lhs, rhs }: Syntax): Quick | undefined {
  const [left, right] = [quick(lhs!), quick(rhs!)]
  if (!left || !right) return undefined
  if (operator === 'and' || operator === 'or') {
    const decided = operator === 'or'
    return message => {
      const truth = truthOf(left(message))
      return truth === unsure || truth === decided ? truth : truthOf(right(message))
    }
  }
  const combine = operators[operator as string]
  return combine && (message => combine(left(message), right(message)))
}

const operators: Readonly<Record<string, (left: Answer, right: Answer) => Answer>> = {
  '=': isEqual,
  '!=': (left, right) => {
    if (left === undefined || right === undefined) return isEqual(left, right)
    const equal = isEqual(left, right)
    return equal === unsure ? unsure : !equal
  },
  '<': (left, right) => ordered(left, right, (a, b) => a < b),
  '<=': (left, right) => ordered(left, right, (a, b) => a <= b),
  '>': (left, right) => ordered(left, right, (a, b) => a > b),
  '>=': (left, right) => ordered(left, right, (a, b) => a >= b),
  '&': (left, right) => {
    const before = textOf(left)
    const after = textOf(right)
    return before === unsure || after === unsure ? unsure : before + after
  },
}

/** What is missing is neither equal nor unequal. */
function isEqual(left: Answer, right: Answer): boolean | typeof unsure {
  if (left === unsure || right === unsure) return unsure
  if (left === undefined || right === undefined) return false
  if (isStructure(left) || isStructure(right)) return unsure
  if (left instanceof LargeInteger && right instanceof LargeInteger) return left.integer === right.integer
  return left === right
}

function ordered(
  left: Answer,
  right: Answer,
  holds: (a: string | number, b: string | number) => boolean,
): Answer {
  if (typeof left === 'number' && typeof right === 'number') return holds(left, right)
  if (typeof left === 'string' && typeof right === 'string') return holds(left, right)
  return (left === undefined && isOrdered(right)) || (right === undefined && isOrdered(left))
    ? undefined
    : unsure
}

const isOrdered = (answer: Answer): boolean =>
  answer === undefined || typeof answer === 'string' || typeof answer === 'number'

const isStructure = (answer: Answer): boolean =>
  typeof answer === 'object' && answer !== null && !(answer instanceof LargeInteger)

function truthOf(answer: Answer): boolean | typeof unsure {
  if (answer === unsure || isStructure(answer)) return unsure
  if (typeof answer === 'number') return Number.isFinite(answer) ? answer !== 0 : unsure
  if (typeof answer === 'string') return answer.length > 0
  return answer === true || answer instanceof LargeInteger
}

function textOf(answer: Answer): string | typeof unsure {
  if (answer === unsure || isStructure(answer)) return unsure
  if (typeof answer === 'string') return answer
  if (answer === undefined) return ''
  if (answer instanceof LargeInteger) return answer.integer
  if (typeof answer !== 'number' || Number.isInteger(answer)) return String(answer)
  return Number.isFinite(answer) ? String(Number(answer.toPrecision(15))) : unsure
}
