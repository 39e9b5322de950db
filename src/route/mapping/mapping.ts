import { MessageRefused, sentence } from '../../core/errors.ts'
import { Mistakes } from './mistakes.ts'
import { cast } from './rules/cast.ts'
import { decode } from './rules/decode.ts'
import { drop } from './rules/drop.ts'
import { dropIf } from './rules/drop-if.ts'
import { encode } from './rules/encode.ts'
import { lookup } from './rules/lookup.ts'
import { match } from './rules/match.ts'
import { rename } from './rules/rename.ts'
import { route } from './rules/route.ts'
import { set } from './rules/set.ts'
import { transform } from './rules/transform.ts'
import { validate } from './rules/validate.ts'
import type { Mapped, Step } from './step.ts'

/** The compiler of each rule, by its key. */
const compilers = {
  drop_if: dropIf,
  match,
  decode,
  validate,
  lookup,
  set,
  rename,
  drop,
  cast,
  transform,
  encode,
  route,
}

type Compilers = typeof compilers

/** One rule of `mapping:`; exactly one key. */
export type Rule = { readonly [K in keyof Compilers]?: Parameters<Compilers[K]>[0] | undefined }

/** A rule that can be run by itself. */
export interface NamedStep {
  /** Its place in the list, counted from 1. */
  readonly number: number
  /** The rule's key: `drop_if`. */
  readonly name: string
  /** What it throws says which rule it was. */
  readonly run: Step
}

/** Compiles rules, to be run in this order. `owner` stands in front in what they throw: `target main`. Throws RuleInvalid. */
export function compileRules(rules: readonly Rule[], owner?: string): readonly NamedStep[] {
  const mistakes = new Mistakes()
  const steps = rules.map((rule, i): NamedStep => {
    const [[name, written] = []] = Object.entries(rule).filter(([, value]) => value !== undefined)
    const compile = compilers[name as keyof Compilers] as (written: unknown) => Step
    const step = mistakes.at([i, name!], () => compile(written))
    const title = `${owner === undefined ? '' : `${owner}, `}rule ${i + 1} (${name})`
    return { number: i + 1, name: name!, run: titled(step, title) }
  })
  mistakes.raise()
  return steps
}

/** All rules as one step. Throws RuleInvalid. */
export function compileMapping(rules: readonly Rule[], owner?: string): Step {
  const steps = compileRules(rules, owner).map(({ run }) => run)
  return message => runFrom(steps, 0, message)
}

function runFrom(steps: readonly Step[], from: number, message: Mapped): ReturnType<Step> {
  let mapped = message
  for (let i = from; i < steps.length; i++) {
    const next = steps[i]!(mapped)
    if (next instanceof Promise) return next.then(made => made && runFrom(steps, i + 1, made))
    if (!next) return undefined
    mapped = next
  }
  return mapped
}

/** Characters of a reason: what is wrong in a message may be all of it. */
const mostSaid = 1_000

const shortened = (said: string): string => (said.length > mostSaid ? `${said.slice(0, mostSaid)}…` : said)

function titled(step: Step, title: string): Step {
  const refuse = (thrown: unknown): never => {
    throw thrown instanceof MessageRefused
      ? new MessageRefused(`${title}: ${shortened(thrown.message)}`, { cause: thrown.cause })
      : new Error(`${title}: ${sentence(thrown)}`, { cause: thrown })
  }
  return message => {
    try {
      const next = step(message)
      return next instanceof Promise ? next.catch(refuse) : next
    } catch (thrown) {
      return refuse(thrown)
    }
  }
}
