import { MessageRefused } from '../../../core/errors.ts'
import { compileExpression } from '../expression/expression.ts'
import { after, type Step } from '../step.ts'
import { withNewBody } from './new-body.ts'

/** What the expression gives is the new body; nothing refuses the message. */
export function transform(written: string): Step {
  const expression = compileExpression(written)
  return message =>
    after(expression(message), value => {
      if (value) return withNewBody(message, value)
      throw new MessageRefused('the expression gives nothing for this message')
    })
}
