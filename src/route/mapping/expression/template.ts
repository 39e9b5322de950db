import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'
import { text, type Value } from '../../../core/value.ts'
import { compileExpression, type Expression } from './expression.ts'
import { fromPlain, toText } from './plain.ts'

export type Template = (message: Message) => Value | Promise<Value>

/**
 * Compiles a value of the configuration. Text may hold `${expression}`: one that stands alone keeps its type, others
 * become text. A template that meets something missing refuses the message.
 */
export function compileTemplate(source: string | number | boolean): Template {
  if (typeof source !== 'string') {
    const constant = fromPlain(source)!
    return () => constant
  }
  const parts = split(source)
  if (parts.length === 1 && typeof parts[0] === 'string') {
    const constant = text(parts[0])
    return () => constant
  }
  const compiled = parts.map(part => (typeof part === 'string' ? part : demand(part.expression)))
  if (compiled.length === 1) return compiled[0] as Template
  return async message => {
    let joined = ''
    for (const part of compiled) joined += typeof part === 'string' ? part : toText(await part(message))
    return text(joined)
  }
}

function demand(source: string): Template {
  const expression: Expression = compileExpression(source)
  const present = (value: Value | undefined): Value => {
    if (value) return value
    throw new MessageRefused(`the mapping reads ${source}, which this message does not have`)
  }
  return message => {
    const value = expression(message)
    return value instanceof Promise ? value.then(present) : present(value)
  }
}

/** Literal text and expressions in turn. Braces inside an expression are counted, quoted ones are not. */
function split(source: string): readonly (string | { readonly expression: string })[] {
  const parts: (string | { readonly expression: string })[] = []
  let rest = source
  for (let start = rest.indexOf('${'); start >= 0; start = rest.indexOf('${')) {
    const end = closing(rest, start + 2)
    if (end < 0) throw new Error(`"${source}" has a \${ without its }`)
    if (start > 0) parts.push(rest.slice(0, start))
    parts.push({ expression: rest.slice(start + 2, end) })
    rest = rest.slice(end + 1)
  }
  if (rest !== '' || parts.length === 0) parts.push(rest)
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
