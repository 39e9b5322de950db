import { LargeInteger } from '../large-integer.ts'
import { type Answer, unsure } from '../reading.ts'

/** The operators of jsonata 2.2 (evaluateBinary) where no list or map is involved. */
export const operators: Readonly<Record<string, (left: Answer, right: Answer) => Answer>> = {
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
  '+': (left, right) => computed(left, right, (a, b) => a + b),
  '-': (left, right) => computed(left, right, (a, b) => a - b),
  '*': (left, right) => computed(left, right, (a, b) => a * b),
  '/': (left, right) => computed(left, right, (a, b) => a / b),
  '%': (left, right) => computed(left, right, (a, b) => a % b),
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

export function truthOf(answer: Answer): boolean | typeof unsure {
  if (answer === unsure || isStructure(answer)) return unsure
  if (typeof answer === 'number') return Number.isFinite(answer) ? answer !== 0 : unsure
  if (typeof answer === 'string') return answer.length > 0
  return answer === true || answer instanceof LargeInteger
}

export function textOf(answer: Answer): string | typeof unsure {
  if (answer === unsure || isStructure(answer)) return unsure
  if (typeof answer === 'string') return answer
  if (answer === undefined) return ''
  if (answer instanceof LargeInteger) return answer.integer
  if (typeof answer !== 'number' || Number.isInteger(answer)) return String(answer)
  return Number.isFinite(answer) ? String(Number(answer.toPrecision(15))) : unsure
}

/** JSONata refuses NaN and the infinities. */
export const isNumber = (answer: Answer): answer is number =>
  typeof answer === 'number' && Number.isFinite(answer)

function computed(left: Answer, right: Answer, compute: (a: number, b: number) => number): Answer {
  if (isNumber(left) && isNumber(right)) return compute(left, right)
  const harmless = (left === undefined || isNumber(left)) && (right === undefined || isNumber(right))
  return harmless ? undefined : unsure
}

/** The unary minus (evaluateUnary). */
export const negated = (answer: Answer): Answer =>
  isNumber(answer) ? -answer : answer === undefined ? undefined : unsure
