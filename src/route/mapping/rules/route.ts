import { MessageRefused } from '../../../core/errors.ts'
import { compileAddress } from '../address.ts'
import { Mistakes } from '../mistakes.ts'
import { after, type Mapped, type Step } from '../step.ts'
import { compileCondition } from './condition.ts'

export interface RouteRule {
  readonly cases: readonly { readonly when: string; readonly address: string }[]
  readonly default?: string | undefined
}

/** The address of the first case whose condition is true, else the default; without one the message is refused. */
export function route({ cases, default: otherwise }: RouteRule): Step {
  const mistakes = new Mistakes()
  const compiled = cases.map(({ when, address }, i) => ({
    when: mistakes.at(['cases', i, 'when'], () => compileCondition(when)),
    to: mistakes.at(['cases', i, 'address'], () => compileAddress(address)),
  }))
  const last = otherwise === undefined ? refuse : mistakes.at(['default'], () => compileAddress(otherwise))
  mistakes.raise()
  const from = (i: number, message: Mapped): Mapped | Promise<Mapped> => {
    const one = compiled[i]
    if (!one) return last(message)
    return after(one.when(message), isTrue => (isTrue ? one.to(message) : from(i + 1, message)))
  }
  return message => from(0, message)
}

function refuse(_: Mapped): never {
  throw new MessageRefused('no case is true for this message, and there is no default')
}
