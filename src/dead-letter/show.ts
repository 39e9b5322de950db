import { partsOf } from '../explain/changes.ts'
import { columnOf, hanging, hangingValue, shortened, visible } from '../explain/layout.ts'
import { eachLetter, type Found, type Look } from './letters.ts'
import type { Place } from './places.ts'

/** So much of a part of the message is shown. */
const much = 4_000

/** Prints the first letter that is meant; with `json` its record. False when there is none. */
export async function show(
  places: readonly Place[],
  look: Look,
  print: (text: string) => void,
  json: boolean,
): Promise<boolean> {
  const first = { ...look, selection: { ...look.selection, limit: 1 } }
  const count = await eachLetter(places, first, (found, place) =>
    print(json ? found.record : letterText(found, place.name)),
  )
  return count > 0
}

function letterText({ id, letter, stored }: Found, place: string): string {
  const { route, target, reason, kind, attempts, deliveryCount, receivedAt, diedAt, message, stack } = letter
  const before = deliveryCount === undefined ? '' : `, delivered ${deliveryCount} times before`
  const about: readonly (readonly [string, string])[] = [
    ['letter', id],
    ['in', stored.name === '' ? place : `${place} (${stored.name})`],
    ['route', route],
    ['target', target === '' ? 'all: the route itself refused it' : target],
    ['reason', reason],
    ['kind', kind === 'refused' ? 'refused: the message is at fault' : 'unexpected: tried and given up'],
    ['attempts', `${attempts}${before}`],
    ['received', new Date(receivedAt).toISOString()],
    ['died', new Date(diedAt).toISOString()],
  ]
  const parts = [...partsOf(message)]
  const column = columnOf(
    parts.map(([part]) => visible(part)),
    2,
  )
  return [
    ...about.map(([name, value]) => hanging(name, 10, visible(value))),
    '',
    'the message as it came',
    ...parts.map(([part, value]) =>
      hangingValue(`  ${visible(part)}`, column, visible(shortened(value, much))),
    ),
    ...(stack === undefined ? [] : ['', ...stack.split('\n').map(visible)]),
  ].join('\n')
}
