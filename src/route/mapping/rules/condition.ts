import { MessageRefused } from '../../../core/errors.ts'
import type { Value } from '../../../core/value.ts'
import { compileExpression } from '../expression/expression.ts'
import { after, type Mapped } from '../step.ts'

/** A condition over one message; a promise only where its expression takes time. */
export type Condition = (message: Mapped) => boolean | Promise<boolean>

/** Only exactly true is true, only exactly false is false: anything else is a mistake, and a mistake must not lose a message. */
export function compileCondition(written: string): Condition {
  const expression = compileExpression(written)
  const decide = (value: Value | undefined): boolean => {
    if (value?.type === 'bool') return value.value
    throw new MessageRefused(
      `"${written}" is ${value ? `a ${value.type}` : 'nothing'} for this message, not true or false`,
    )
  }
  return message => after(expression(message), decide)
}
