import { dropIf } from './rules/drop-if.ts'
import { set } from './rules/set.ts'
import type { Mapped, Step } from './step.ts'

/** A rule that is in the making. */
const notYet = (_: object | string): Step => {
  throw new Error('this rule is not built yet')
}

/** The compiler of each rule, by its key. */
const compilers = {
  drop_if: dropIf,
  set,
  match: notYet,
  decode: notYet,
  validate: notYet,
  lookup: notYet,
  rename: notYet,
  drop: notYet,
  cast: notYet,
  transform: notYet,
  encode: notYet,
  route: notYet,
}

type Compilers = typeof compilers

/** One rule of `mapping:`; exactly one key. */
export type Rule = { readonly [K in keyof Compilers]?: Parameters<Compilers[K]>[0] | undefined }

/** Compiles the rules of a route; they are applied in order. Throws on an expression that is not well-formed. */
export function compileMapping(rules: readonly Rule[]): Step {
  if (rules.length === 0) return message => message
  const steps = rules.map(rule => {
    const [[key, written] = []] = Object.entries(rule)
    return (compilers[key as keyof Compilers] as (written: unknown) => Step)(written)
  })
  return async message => {
    let mapped: Mapped | undefined = message
    for (const step of steps) {
      mapped = await step(mapped)
      if (!mapped) return undefined
    }
    return mapped
  }
}
