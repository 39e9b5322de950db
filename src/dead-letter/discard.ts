import { sentence } from '../core/errors.ts'
import { type Found, type Look, withLetters } from './letters.ts'
import { Pace } from './pace.ts'
import type { Place } from './places.ts'
import { Tally } from './tally.ts'

/** Removals under way at a time. */
const atOnce = 50

/** Removes the letters that are meant, for good. */
export async function discard(
  places: readonly Place[],
  look: Look,
  rate: number | undefined,
): Promise<Tally> {
  const tally = new Tally()
  const pace = new Pace(rate)
  const { limit = Number.POSITIVE_INFINITY } = look.selection
  let taken = 0
  const isOver = () => look.signal.aborted || taken >= limit
  for (const place of places) {
    if (isOver()) break
    await withLetters(place, look, async letters => {
      const underWay = new Set<Promise<void>>()
      for await (const found of letters) {
        await pace.turn(look.signal)
        if (isOver()) break
        taken++
        const removal = remove(found, tally).finally(() => underWay.delete(removal))
        underWay.add(removal)
        if (underWay.size >= atOnce) await Promise.race(underWay)
        if (isOver()) break
      }
      await Promise.all(underWay)
    })
  }
  return tally
}

/** Never rejects. */
async function remove({ stored }: Found, tally: Tally): Promise<void> {
  try {
    await stored.remove()
    tally.done++
  } catch (error) {
    tally.left++
    tally.because(sentence(error))
  }
}
