import { isDeepStrictEqual } from 'node:util'
import type { RouteConfig, SinkEnd, SourceEnd } from './bridge-config.ts'
import { isMap } from './ends.ts'
import type { Problem } from './problem.ts'

/**
 * Routes that may lead in a circle where the trail of a message, by which it would be known again, cannot be written.
 * Replies are no part of a circle: they go where a requester waits.
 */
export function circleProblems(routes: readonly RouteConfig[]): readonly Problem[] {
  const next = new Map(routes.map(route => [route, routes.filter(other => leadsTo(route, other))]))
  return routes.flatMap(route =>
    Array.from(route.targets).flatMap(([target, end]): readonly Problem[] => {
      if (route.reply || !end.kind.isHeaderless?.(end.at)) return []
      const back = routes.find(other => mayCome(end, other.from) && reaches(other, route, next))
      if (!back) return []
      const text =
        `what is sent here can come in again at the route ${back.name}, which leads back to this one, and this protocol has no ` +
        'headers by which a message would be known again: choose addresses that do not overlap'
      return [{ path: ['routes', route.name, 'targets', target], text }]
    }),
  )
}

const leadsTo = ({ reply, targets }: RouteConfig, { from }: RouteConfig): boolean =>
  !reply && Array.from(targets.values()).some(end => mayCome(end, from))

function reaches(
  from: RouteConfig,
  to: RouteConfig,
  next: ReadonlyMap<RouteConfig, readonly RouteConfig[]>,
  seen = new Set<RouteConfig>(),
): boolean {
  if (from === to) return true
  if (seen.has(from)) return false
  seen.add(from)
  return next.get(from)!.some(other => reaches(other, to, next, seen))
}

/** Could what is sent to the one come out of the other? */
function mayCome({ kind, at, protocol }: SinkEnd, from: SourceEnd): boolean {
  if (protocol !== from.protocol || !isSameBroker(at.connection, from.at.connection)) return false
  const address = kind.address?.(at)
  return address === undefined || (from.kind.reads?.(from.at, address) ?? true)
}

/** One connection, or two to the same place: brokers have `urls`; without, all that is written has to be equal. */
function isSameBroker(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (!isMap(one) || !isMap(other)) return false
  if (!Array.isArray(one.urls) || !Array.isArray(other.urls)) return isDeepStrictEqual(one, other)
  const places = new Set(one.urls.map(placeOf))
  return other.urls.some(url => places.has(placeOf(url)))
}

const placeOf = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host}:${port}`
