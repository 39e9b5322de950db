import type { Message } from '../../core/message.ts'
import { dropIf } from './rules/drop-if.ts'
import { type SetRule, set } from './rules/set.ts'
import type { Step } from './step.ts'

/** One rule of `mapping:`; exactly one key. */
export type Rule = { readonly drop_if: string } | { readonly set: SetRule }

/** Compiles the rules of a route; they are applied in order. Throws on an expression that is not well-formed. */
export function compileMapping(rules: readonly Rule[]): Step {
  if (rules.length === 0) return message => message
  const steps = rules.map(rule => ('drop_if' in rule ? dropIf(rule.drop_if) : set(rule.set)))
  return async message => {
    let mapped: Message | undefined = message
    for (const step of steps) {
      mapped = await step(mapped)
      if (!mapped) return undefined
    }
    return mapped
  }
}
