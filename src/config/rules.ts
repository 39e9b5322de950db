import { isMap } from './ends.ts'
import type { LoadedRule, MappingFiles } from './mapping-files.ts'
import { rule } from './mapping-schema.ts'
import type { Problem } from './problem.ts'

/** The mistakes in a rule that only its compiler knows; paths are below the rule. */
export type RuleCheck = (rule: LoadedRule) => readonly Problem[]

/** Checks each rule by itself, wherever in the file it stands, so that a mistake elsewhere hides none. */
export const ruleProblems = (data: unknown, files: MappingFiles, check: RuleCheck): readonly Problem[] =>
  writtenRules(data).flatMap(([path, written]) => {
    const parsed = rule.safeParse(written)
    const complete = parsed.success ? files.complete([parsed.data], () => path) : []
    return complete.flatMap(check).map(problem => ({ ...problem, path: [...path, ...problem.path] }))
  })

type Written = readonly [path: Problem['path'], rule: unknown]

function writtenRules(data: unknown): readonly Written[] {
  if (!isMap(data)) return []
  const inRoutes = entriesOf(data.routes).flatMap(([name, route]) => {
    const targets = isMap(route) ? entriesOf(route.targets) : []
    return [
      ...rulesOf(route, ['routes', name]),
      ...targets.flatMap(([target, keys]) => rulesOf(keys, ['routes', name, 'targets', target])),
    ]
  })
  return [...rulesOf(data.defaults, ['defaults']), ...inRoutes]
}

const entriesOf = (map: unknown): readonly (readonly [string, unknown])[] =>
  isMap(map) ? Object.entries(map) : []

const rulesOf = (keys: unknown, path: readonly string[]): readonly Written[] =>
  isMap(keys) && Array.isArray(keys.mapping)
    ? keys.mapping.map((written: unknown, i): Written => [[...path, 'mapping', i], written])
    : []
