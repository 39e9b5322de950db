import type { Way } from '../bridge.ts'
import { endText } from '../explain/print.ts'
import { trace } from '../explain/trace.ts'
import { eachLetter, type Found, type Look } from './letters.ts'
import { lineOf } from './list.ts'
import type { Place } from './places.ts'

/** Prints each letter that is meant, and what would become of it. Opens no target. Gives how many there were. */
export function preview(
  places: readonly Place[],
  look: Look,
  print: (text: string) => void,
  fate: (found: Found) => string | Promise<string>,
): Promise<number> {
  return eachLetter(places, look, async found =>
    print(`${lineOf(found)}\n${' '.repeat(16)}${await fate(found)}`),
  )
}

/** What its route would do with it now, up to the links. */
export async function fateOf(way: Way | undefined, { letter }: Found): Promise<string> {
  if (!way) return 'would stay: its route is not in the file'
  const { targets } = await trace(way, { message: way.again(letter.message), at: Date.now() })
  const meant = targets.filter(({ target }) => letter.target === '' || target === letter.target)
  if (meant.length === 0) return `would stay: route ${letter.route} has no target "${letter.target}" any more`
  return meant
    .map(({ target, result }) =>
      result.is === 'sent'
        ? `would be sent to ${target}`
        : `would not be sent to ${target}: ${endText(result)}`,
    )
    .join('; ')
}
