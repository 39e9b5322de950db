import type { Body, Headers, Properties } from '../../../core/message.ts'
import { bodyOfValue, type StructuredValue } from '../../../core/structured-body.ts'
import { matching } from '../../../core/wildcards.ts'
import { Mistakes } from '../mistakes.ts'
import type { Step } from '../step.ts'
import { mapEntries, nameOf, readBody } from './body-paths.ts'
import { formatPlace, lastName, type Place, parsePlace } from './place.ts'
import { isKept, removable, routesOwn } from './properties.ts'

/** Leaves out what it names, with `*` for anything. What is not there is no mistake; a body that nobody has read refuses. */
export function drop(written: readonly string[]): Step {
  const mistakes = new Mistakes()
  const places = written.map((place, i) => mistakes.at([i], () => droppable(place)))
  mistakes.raise()
  const isHeader = matching(places.filter(p => p.at === 'headers').map(lastName))
  const isProperty = matching(places.filter(p => p.at === 'properties').map(lastName))
  const keys = removable.filter(([key]) => isProperty(key)).map(([, { name }]) => name)
  const paths = places.filter(p => p.at === 'body')
  return message => {
    const headers = without(message.headers, Object.keys(message.headers).filter(isHeader))
    const properties = without(
      message.properties,
      keys.filter(key => message.properties[key] !== undefined),
    )
    const body = paths.reduce(bodyWithout, message.body)
    const isSame = headers === message.headers && properties === message.properties && body === message.body
    return isSame ? message : { ...message, headers, properties, body }
  }
}

function droppable(written: string): Place {
  const place = parsePlace(written)
  if (place.at === 'address') throw new Error('a message always has an address')
  if (place.at === 'properties' && isKept(place.name)) throw new Error(routesOwn(place.name))
  return place
}

function without<T extends Headers | Properties>(all: T, names: readonly string[]): T {
  if (names.length === 0) return all
  const left = { ...all }
  for (const name of names) delete left[name as keyof T]
  return left
}

function bodyWithout(body: Body, place: Place & { readonly at: 'body' }): Body {
  if (place.path.length === 0) return { kind: 'none' }
  const value = readBody(body, formatPlace(place))
  if (!value) return body
  const matches = matching([lastName(place)])
  const left = mapEntries(value, place.path.slice(0, -1), entries =>
    entries.filter(entry => !matches(nameOf(entry) ?? '')),
  )
  return left === value ? body : bodyOfValue(left as StructuredValue)
}
