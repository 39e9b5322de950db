import { MessageRefused } from '../../../core/errors.ts'
import { compileExpression } from '../expression/expression.ts'
import type { Step } from '../step.ts'

/** Only exactly true drops: a condition of another type is a mistake, and a mistake must not lose a message. */
export function dropIf(condition: string): Step {
  const expression = compileExpression(condition)
  return async message => {
    const value = await expression(message)
    if (value?.type === 'bool') return value.value ? undefined : message
    throw new MessageRefused(
      `drop_if: "${condition}" is ${value ? `a ${value.type}` : 'nothing'} for this message, not true or false`,
    )
  }
}
