import type { Properties } from '../../../core/message.ts'
import { type Entry, text } from '../../../core/value.ts'
import { Mistakes } from '../mistakes.ts'
import type { Step } from '../step.ts'
import { mapAt, mapEntries, nameOf, taken } from './body-paths.ts'
import { isBeside, type Move, type Namer, namer, parentOf, parseMove } from './move.ts'
import { Moving } from './moving.ts'
import { formatPlace, type Place } from './place.ts'
import { propertyValue, removable } from './properties.ts'

/**
 * Moves what is at the old names to the new ones, all at once, so that two can be swapped. What is not there is no mistake; a new
 * name that the message has already refuses it, since one of the two values would be lost. A whole name goes before one with `*`.
 */
export function rename(rule: Readonly<Record<string, string>>): Step {
  const mistakes = new Mistakes()
  const moves = Object.entries(rule).map(([from, to]) => mistakes.at([from], () => parseMove(from, to), true))
  mistakes.raise()
  const headers = namer(moves.filter(m => m.from.at === 'headers'))
  const properties = propertiesOf(moves)
  const parts = bodyParts(moves)
  return message => {
    const moving = new Moving(message)
    for (const [name, value] of Object.entries(message.headers)) {
      const to = headers(name)
      if (to && to.at !== 'headers') moving.put(`headers.${name}`, to, value)
      else moving.header(to ? to.name : name, value, to && `headers.${name}`)
    }
    for (const { from, name, to } of properties) {
      const value = message.properties[name]
      if (value === undefined) continue
      moving.put(from, to, propertyValue(value))
      moving.withoutProperty(name)
    }
    for (const part of parts) takeFromBody(part, moving)
    return moving.done()
  }
}

interface PropertyMove {
  readonly from: string
  readonly name: keyof Properties
  readonly to: Place
}

function propertiesOf(moves: readonly Move[]): readonly PropertyMove[] {
  const to = namer(moves.filter(m => m.from.at === 'properties'))
  return removable.flatMap(([key, { name }]) => {
    const place = to(key)
    return place ? [{ from: `properties.${key}`, name, to: place }] : []
  })
}

/** The moves out of the maps at one path of the body. */
interface BodyPart {
  readonly parent: readonly string[]
  readonly to: Namer
  /** Do some leave the map? Those in lists cannot. */
  readonly isLeft: boolean
}

function bodyParts(moves: readonly Move[]): readonly BodyPart[] {
  const here = moves.filter(m => m.from.at === 'body')
  const parents = new Map(here.map(({ from }) => [parentOf(from).join('.'), parentOf(from)]))
  return Array.from(parents.values(), parent => {
    const own = here.filter(({ from }) => isBeside(from, parent))
    return { parent, to: namer(own), isLeft: own.some(m => !isBeside(m.to, parent)) }
  })
}

/** First what leaves the map, then what gets another name in it. */
function takeFromBody({ parent, to, isLeft }: BodyPart, moving: Moving): void {
  const place = (name: string) => formatPlace({ at: 'body', path: [...parent, name] })
  const body = moving.body(place('…'))
  if (!body) return
  const goes = (entry: Entry) => {
    const name = nameOf(entry)
    const place = name === undefined ? undefined : to(name)
    return place && { name: name!, place, leaves: !isBeside(place, parent) }
  }
  for (const entry of isLeft ? (mapAt(body, parent, place('…')) ?? []) : []) {
    const going = goes(entry)
    if (going?.leaves) moving.put(place(going.name), going.place, entry[1])
  }
  const renamed = (entries: readonly Entry[]) => {
    const left = entries.filter(entry => !goes(entry)?.leaves)
    return withNewNames(left, entry => goes(entry)?.place, place)
  }
  moving.withBody(mapEntries(body, parent, renamed))
}

function withNewNames(
  entries: readonly Entry[],
  to: (entry: Entry) => Place | undefined,
  place: (name: string) => string,
): readonly Entry[] {
  const made = entries.map((entry): Entry => {
    const goes = to(entry)
    return goes?.at === 'body' ? [text(goes.path.at(-1)!), entry[1]] : entry
  })
  const seen = new Map<string, number>()
  for (const [i, entry] of made.entries()) {
    const name = nameOf(entry)
    if (name === undefined) continue
    const other = seen.get(name)
    const mover = [i, other].find(at => at !== undefined && made[at] !== entries[at])
    if (other !== undefined && mover !== undefined) throw taken(place(nameOf(entries[mover]!)!), place(name))
    seen.set(name, i)
  }
  return made
}
