import { formatPlace, lastName, type Place, parsePlace, withLastName } from './place.ts'
import { isKept, routesOwn } from './properties.ts'

/** An entry of `rename`. */
export interface Move {
  readonly from: Place
  readonly to: Place
}

/** Throws an Error that says what cannot be renamed, or not to there. */
export function parseMove(writtenFrom: string, writtenTo: string): Move {
  const [from, to] = [parsePlace(writtenFrom), parsePlace(writtenTo)]
  if (from.at === 'address') throw new Error(elsewhere(to))
  if (isWhole(from) || isWhole(to)) {
    throw new Error('the body as a whole has no name: write set or transform to make a new one')
  }
  const own = [from, to].find(p => p.at === 'properties' && p.name === 'trail')
  if (own || (from.at === 'properties' && isKept(from.name)))
    throw new Error(routesOwn(lastName(own ?? from)))
  const [stars, others] = [starsIn(from), starsIn(to)]
  if (stars !== others || stars > 1) throw new Error('expected one * in both names or in neither')
  if (stars === 1 && to.at === 'properties') {
    throw new Error('properties have names of their own: rename to them one by one')
  }
  return { from, to }
}

const isWhole = (place: Place): boolean => place.at === 'body' && place.path.length === 0

const starsIn = (place: Place): number => lastName(place).split('*').length - 1

function elsewhere(to: Place): string {
  const keep = to.at === 'headers' ? `{ headers: { ${to.name}: "\${address}" } }` : `{ KEY: "\${address}" }`
  return `a message always has an address: write set: ${keep} to keep it elsewhere`
}

/** Where a last name goes; undefined where it stays. */
export type Namer = (name: string) => Place | undefined

/** For moves out of one map. A whole name goes before one with a `*`; of those the first. */
export function namer(moves: readonly Move[]): Namer {
  const whole = new Map(moves.filter(m => starsIn(m.from) === 0).map(m => [lastName(m.from), m.to]))
  const patterns = moves
    .filter(m => starsIn(m.from) === 1)
    .map(({ from, to }) => ({ to, parts: lastName(from).split('*') as [string, string] }))
  return name => {
    const to = whole.get(name)
    if (to) return to
    for (const {
      to,
      parts: [before, after],
    } of patterns) {
      const end = name.length - after.length
      if (end < before.length || !name.startsWith(before) || !name.endsWith(after)) continue
      return withLastName(
        to,
        lastName(to).replace('*', () => name.slice(before.length, end)),
      )
    }
    return undefined
  }
}

/** The names on the way to the last one. */
export const parentOf = (place: Place): readonly string[] =>
  place.at === 'body' ? place.path.slice(0, -1) : []

/** Are both names in the same map of the body? */
export const isBeside = (place: Place, parent: readonly string[]): boolean =>
  place.at === 'body' &&
  formatPlace({ at: 'body', path: parentOf(place) }) === formatPlace({ at: 'body', path: parent })
