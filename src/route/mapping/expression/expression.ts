import type { Value } from '../../../core/value.ts'
import type { Mapped } from '../step.ts'
import { compileJsonata } from './evaluation.ts'
import { fromPlain } from './plain.ts'
import { namesOf, quick } from './quick/quick.ts'
import { reader, unsure } from './reading.ts'

export { ExpressionInvalid } from './syntax.ts'

/** An expression over one message. Undefined means that something it reads is not there. Throws MessageRefused. */
export type Expression = (message: Mapped) => Value | undefined | Promise<Value | undefined>

/**
 * Compiles a JSONata expression over `{ address, body, properties, headers, captures, lookup }`. A plain path keeps the type
 * of what it leads to; other values are those of JSON, integers with all their digits. What quick.ts knows is answered at once,
 * the rest by JSONata in a promise. Throws ExpressionInvalid.
 */
export function compileExpression(source: string): Expression {
  const { syntax, evaluate } = compileJsonata(source)
  const slow = async (message: Mapped) => fromPlain(await evaluate(message))
  const names = namesOf(syntax)
  const read = names && reader(names)
  const answer = quick(syntax)
  if (!answer) return slow
  return message => {
    const value = read?.(message) ?? unsure
    if (value !== unsure) return value
    const plain = answer(message)
    return plain === unsure ? slow(message) : fromPlain(plain)
  }
}
