import { compileMapping, type Rule } from '../../src/route/mapping/mapping.ts'
import { RuleInvalid } from '../../src/route/mapping/mistakes.ts'

/** What the compilers of rules find wrong: `0 set subject: …`. */
export function mistakesOf(...rules: Rule[]): readonly string[] {
  try {
    compileMapping(rules)
  } catch (error) {
    if (error instanceof RuleInvalid) return error.mistakes.map(m => `${m.path.join(' ')}: ${m.text}`)
    throw error
  }
  return []
}
