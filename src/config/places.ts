import type { RouteConfig } from './bridge-config.ts'
import type { Problem } from './problem.ts'

/** One expression and nothing around it. */
const isAnyPlace = (written: string): boolean => /^\$\{[^}]*\}$/.test(written)

/** Where the message came from, or what a rule or the token of a reply has made of that. */
const isOwnPlace = (written: string): boolean => /^\$\{\s*address\s*\}$/.test(written)

/** What rules make of the address. */
const addressesOf = (rules: RouteConfig['mapping']): readonly string[] =>
  rules.flatMap(({ set, route }) =>
    [set?.address, route?.default, ...(route?.cases ?? []).map(c => c.address)].filter(
      a => typeof a === 'string',
    ),
  )

/** Whoever can send a message must not thereby be able to write to every place that the bridge may write to. */
export const placeProblems = ({ name, mapping: rules, targets }: RouteConfig): readonly Problem[] =>
  Array.from(targets).flatMap(([target, { kind, at, allow, mapping }]) => {
    const own = kind.address?.(at)
    if (own === undefined || allow !== undefined || !isAnyPlace(own)) return []
    const written = isOwnPlace(own)
      ? addressesOf([...rules, ...mapping]).find(a => isAnyPlace(a) && !isOwnPlace(a))
      : own
    if (written === undefined) return []
    return [
      {
        path: ['routes', name, 'targets', target],
        text: `missing allow: ${written} lets a message choose any place; write patterns of those that it may choose, such as allow: ["orders-*"]`,
      },
    ]
  })
