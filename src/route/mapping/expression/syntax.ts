import jsonata from 'jsonata'
import { LargeInteger } from './large-integer.ts'
import { linear } from './linear-regexp.ts'

/** An expression or template that is not well-formed, or can never be answered. */
export class ExpressionInvalid extends Error {
  override readonly name = 'ExpressionInvalid'
  /** Characters of the expression, or of the template, before the place. */
  readonly position: number

  constructor(reason: string, position: number, options?: ErrorOptions) {
    super(reason, options)
    this.position = position
  }
}

/** A part of an expression, as JSONata's parser gives it (`ast()`; jsonata 2.2). */
export interface Syntax {
  readonly type: string
  readonly value?: unknown
  /** Where its token ends. */
  readonly position?: number
  readonly steps?: readonly Syntax[]
  /** Of a step: filters of what it gives, each with its `expr`. */
  readonly stages?: readonly Syntax[]
  /** The same of what is no step. */
  readonly predicate?: readonly Syntax[]
  readonly expr?: Syntax
  /** Of a step that sorts. */
  readonly terms?: readonly { readonly expression: Syntax; readonly descending: boolean }[]
  /** Of a path: the object that is made of what it leads to. */
  readonly group?: Syntax
  /** Of an object: its keys and values. */
  readonly lhs?: Syntax | readonly (readonly [Syntax, Syntax])[]
  readonly rhs?: Syntax
  readonly arguments?: readonly Syntax[]
  readonly procedure?: Syntax
  readonly expression?: Syntax
  readonly expressions?: readonly Syntax[]
  readonly condition?: Syntax
  readonly then?: Syntax
  readonly else?: Syntax
  /** Of a function that is written out. */
  readonly body?: Syntax
  /** One of no name around the call that another function ends with. */
  readonly thunk?: boolean
}

/**
 * JSONata's own parser, and what it misses: regular expressions that cannot be had in linear time are refused, integers past
 * 2^53 keep their digits, and `in` finds them. Throws ExpressionInvalid.
 */
export function parse(source: string, options: jsonata.JsonataOptions): jsonata.Expression {
  const expression = parsed(source, options)
  amend(expression.ast(), source)
  return expression
}

function parsed(source: string, options: jsonata.JsonataOptions): jsonata.Expression {
  try {
    return jsonata(source, options)
  } catch (thrown) {
    // From RegExp; JSONata throws plain objects, whose position is where the token ends.
    if (thrown instanceof SyntaxError)
      throw new ExpressionInvalid(`not well-formed: ${thrown.message}`, source.indexOf('/'))
    const { message = 'it cannot be read', position = 0, token } = thrown as Partial<jsonata.JsonataError>
    const start = position - String(token ?? '').length
    const place = source.startsWith(String(token ?? ''), start) ? start : position
    throw new ExpressionInvalid(`not well-formed: ${message}`, Math.max(0, Math.min(place, source.length)))
  }
}

type Mutable = { -readonly [K in keyof Syntax]: Syntax[K] } & { [key: string]: unknown }

function amend(part: unknown, source: string, parent?: Mutable): void {
  if (typeof part !== 'object' || part === null || part instanceof RegExp) return
  const syntax = part as Mutable
  if (syntax.value instanceof RegExp) {
    try {
      linear(syntax.value)
    } catch (cause) {
      const { message } = cause as Error
      throw new ExpressionInvalid(message, startOf(syntax), { cause })
    }
  }
  // An index of a list stays a number.
  if (syntax.type === 'number' && parent?.type !== 'filter') keepDigits(syntax, source)
  for (const inner of Object.values(syntax)) amend(inner, source, Array.isArray(inner) ? parent : syntax)
  if (syntax.type === 'binary' && syntax.value === 'in') {
    syntax.type = 'function'
    syntax.procedure = { type: 'variable', value: contains }
    syntax.arguments = [syntax.lhs as Syntax, syntax.rhs!]
  }
}

/** The parser adds the flag g. */
const startOf = ({ value, position = 0 }: Syntax): number => position - String(value).length + 1

/** The name of the function that stands for `in`; no expression can write it. */
export const contains = ' in'

function keepDigits(number: Mutable, source: string): void {
  const value = number.value as number
  const [digits = ''] = /\d+$/.exec(source.slice(0, number.position)) ?? []
  if (Number.isSafeInteger(value) || Number(digits) !== Math.abs(value)) return
  number.type = 'value'
  number.value = new LargeInteger(value < 0 ? `-${digits}` : digits)
}
