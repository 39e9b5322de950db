import { after, type Step } from '../step.ts'
import { compileCondition } from './condition.ts'

/** Drops a message for which the condition is exactly true. */
export function dropIf(written: string): Step {
  const condition = compileCondition(written)
  return message => after(condition(message), isTrue => (isTrue ? undefined : message))
}
