import type { RouteConfig, SinkEnd } from './bridge-config.ts'
import type { Problem } from './problem.ts'

export const isAnyOrdered = (targets: ReadonlyMap<string, SinkEnd>): boolean =>
  Array.from(targets.values()).some(({ kind, at }) => kind.isOrdered?.(at) ?? false)

/** An order that the source cannot give, and a hold where there is no order. */
export function orderProblems({ name, from, ordering, onRefused }: RouteConfig): readonly Problem[] {
  if (ordering === 'none') {
    if (onRefused === 'continue') return []
    const text =
      'hold_group holds a group of an order, and this route has none: write ordering: by_group or strict'
    return [{ path: ['routes', name, 'on_refused'], text }]
  }
  const problem = from.kind.orderProblem(from.at, ordering)
  if (problem === undefined) return []
  return [
    {
      path: ['routes', name, 'from'],
      text: `no order (ordering: ${ordering}) can be kept from here: ${problem}; where order does not matter, write ordering: none on the route`,
    },
  ]
}
