import type { BridgeConfig, SinkEnd } from '../config/bridge-config.ts'
import { suggest } from '../core/suggest.ts'
import { containing, named, type Selection } from './select.ts'

/** A place for dead letters that can be read, or the reason why it cannot. */
export type Place =
  | { readonly name: string; readonly end: SinkEnd }
  | { readonly name: string; readonly problem: string }

/**
 * The places of the routes that are meant, each once however many routes share it. Of a route that is not in the file any more,
 * the letters may be in any place.
 */
export function placesOf({ routes }: BridgeConfig, { route, place }: Selection): readonly Place[] {
  const [isRoute, isPlace] = [named(route), containing(place)]
  const meant = routes.filter(({ name }) => isRoute(name))
  const found = new Map<string, Place>()
  for (const { name, deadLetters } of meant.length > 0 ? meant : routes) {
    for (const letters of deadLetters) {
      if (!isPlace(letters.name)) continue
      if ('broker' in letters) found.set(`broker ${name}`, rejected(name))
      else found.set(keyOf(letters.end), placeOf(letters.name, letters.end))
    }
  }
  return [...found.values()]
}

/** What to say of names that no route or place of the file has: they may be misspelt, or be of yesterday. */
export function doubts({ routes }: BridgeConfig, { route, place }: Selection): readonly string[] {
  const names = routes.map(r => r.name)
  const places = [...new Set(routes.flatMap(r => r.deadLetters.map(letters => letters.name)))]
  return [
    ...(route !== undefined && !names.some(named(route))
      ? [`there is no route "${route}" in the file${suggest(route, names)}; all places are looked into`]
      : []),
    ...(place !== undefined && !places.some(containing(place))
      ? [`there is no place "${place}"; there are ${places.map(p => `"${p}"`).join(', ')}`]
      : []),
  ]
}

const rejected = (route: string): Place => ({
  name: `the broker of route ${route}`,
  problem:
    'what was given to the own dead letter of the broker (broker: true) is no record of ours: the broker says where it is, and moves it back',
})

function placeOf(name: string, end: SinkEnd): Place {
  if (end.kind.readBack) return { name, end }
  return {
    name,
    problem: `${end.protocol} hands on what is published and keeps nothing that could be read back: whoever subscribes there has it`,
  }
}

/** Routes have an end each for one place of the defaults. */
const keyOf = ({ protocol, at }: SinkEnd): string => JSON.stringify([protocol, at.connectionName, at.options])
