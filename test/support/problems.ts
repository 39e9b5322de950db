import { checkAddresses, checkRule } from '../../src/bridge.ts'
import type { Loaded, LoadOptions } from '../../src/config/load.ts'
import { ConfigInvalid, formatProblem } from '../../src/config/problem.ts'

/** The mistakes that `sluice validate` finds in a configuration, as it tells them. */
export function problemsIn(load: (options: LoadOptions) => Loaded): readonly string[] {
  try {
    const { config, place } = load({ checkRule })
    return place(checkAddresses(config)).map(formatProblem)
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems.map(formatProblem)
    throw error
  }
}
