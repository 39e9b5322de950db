import { MessageRefused } from '../../../core/errors.ts'
import { isTemplate } from '../../../core/template.ts'
import { text, type Value } from '../../../core/value.ts'
import type { Mapped } from '../step.ts'
import { compileExpression, type Expression, ExpressionInvalid } from './expression.ts'
import { fromPlain, toText } from './plain.ts'

/** A promise only where an expression cannot be answered at once. Throws MessageRefused. */
export type Template = (message: Mapped) => Value | Promise<Value>

/**
 * Compiles a value of the configuration. Text may hold `${expression}`: one that stands alone keeps its type, others
 * become text. A template that meets something missing refuses the message. Throws ExpressionInvalid.
 */
export function compileTemplate(source: string | number | boolean): Template {
  const constant = constantOf(source)
  if (constant) return () => constant
  const parts = split(String(source))
  const compiled = parts.map(part => (typeof part === 'string' ? part : demand(part)))
  if (compiled.length === 1) return compiled[0] as Template
  return message => joined(compiled, message)
}

/** The value of a template without an expression. */
export const constantOf = (source: string | number | boolean): Value | undefined =>
  typeof source === 'string' && isTemplate(source) ? undefined : fromPlain(source)

function joined(parts: readonly (string | Template)[], message: Mapped): Value | Promise<Value> {
  let written = ''
  for (const [i, part] of parts.entries()) {
    const value = typeof part === 'string' ? part : part(message)
    if (value instanceof Promise) {
      const rest = parts.slice(i + 1)
      return value.then(async one => text(written + toText(one) + toText(await joined(rest, message))))
    }
    written += typeof value === 'string' ? value : toText(value)
  }
  return text(written)
}

function demand({ expression: source, at }: Part): Template {
  const expression = compileAt(source, at)
  const present = (value: Value | undefined): Value => {
    if (value) return value
    throw new MessageRefused(`the mapping reads ${source}, which this message does not have`)
  }
  return message => {
    const value = expression(message)
    return value instanceof Promise ? value.then(present) : present(value)
  }
}

function compileAt(source: string, at: number): Expression {
  try {
    return compileExpression(source)
  } catch (error) {
    if (!(error instanceof ExpressionInvalid)) throw error
    throw new ExpressionInvalid(error.message, at + error.position, { cause: error })
  }
}

interface Part {
  readonly expression: string
  /** Where it begins. */
  readonly at: number
}

/** Literal text and expressions in turn. Braces inside an expression are counted, quoted ones are not. */
function split(source: string): readonly (string | Part)[] {
  const parts: (string | Part)[] = []
  let from = 0
  for (let start = source.indexOf('${'); start >= 0; start = source.indexOf('${', from)) {
    const at = start + 2
    const end = closing(source, at)
    if (end < 0) throw new ExpressionInvalid(`not well-formed: "${source}" has a \${ without its }`, start)
    if (start > from) parts.push(source.slice(from, start))
    parts.push({ expression: source.slice(at, end), at })
    from = end + 1
  }
  if (from < source.length || parts.length === 0) parts.push(source.slice(from))
  return parts
}

function closing(source: string, from: number): number {
  let depth = 1
  let quote = ''
  for (let i = from; i < source.length; i++) {
    const c = source[i]!
    if (quote) {
      if (c === '\\') i++
      else if (c === quote) quote = ''
    } else if (c === '"' || c === "'" || c === '`') quote = c
    else if (c === '{') depth++
    else if (c === '}' && --depth === 0) return i
  }
  return -1
}
