import { hanging, visible } from '../explain/layout.ts'
import { eachLetter, type Found, type Look } from './letters.ts'
import type { Place } from './places.ts'

/** Prints a line or two for each letter that is meant, by place; with `json` one object a line. Gives how many there were. */
export async function list(
  places: readonly Place[],
  look: Look,
  print: (text: string) => void,
  json: boolean,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY } = look.selection
  let last: Place | undefined
  const count = await eachLetter(places, look, (found, place) => {
    if (place !== last && !json) print(place.name)
    last = place
    print(json ? JSON.stringify(jsonOf(found, place.name)) : lineOf(found))
  })
  if (count >= limit) look.say.note(`these are the first ${limit}; --limit shows more`)
  return count
}

const jsonOf = ({ id, letter: { message: _, ...about }, stored }: Found, place: string) => ({
  id,
  place,
  name: stored.name,
  ...about,
  receivedAt: new Date(about.receivedAt).toISOString(),
  diedAt: new Date(about.diedAt).toISOString(),
})

/** A reason is another's word, and long: it hangs behind the id. */
export function lineOf({ id, letter: { route, target, reason, diedAt, attempts } }: Found): string {
  const to = target === '' ? 'all targets' : target
  const head = `  ${id}  ${new Date(diedAt).toISOString()}  ${route} → ${to}, ${times(attempts)}`
  return `${visible(head)}\n${hanging('', 16, visible(reason))}`
}

const times = (attempts: number): string => `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`
