import { MessageRefused } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import { isStructured, valueOfBody } from '../../../core/structured-body.ts'
import { type Entry, text, type Value } from '../../../core/value.ts'

/**
 * A body in which a rule is about to look for `place`, as a value; undefined for one that is empty. Throws MessageRefused for one
 * that nobody has read: what is in it would go on unseen.
 */
export function readBody(body: Body, place: string): Value | undefined {
  if (body.kind === 'none') return undefined
  if (isStructured(body)) return valueOfBody(body)
  throw new MessageRefused(
    `${place} is a place in a map or list, and the body of this message is ${body.kind}: decode it first`,
  )
}

/** The same for the entries of each map at the path; lists on the way are gone through. The same object where nothing changes. */
export function mapEntries(
  value: Value,
  path: readonly string[],
  change: (entries: readonly Entry[]) => readonly Entry[],
): Value {
  if (value.type === 'list') {
    const items = value.value.map(item => mapEntries(item, path, change))
    return items.every((item, i) => item === value.value[i]) ? value : { type: 'list', value: items }
  }
  if (value.type !== 'map') return value
  const [step, ...rest] = path
  const entries =
    step === undefined
      ? change(value.value)
      : value.value.map((entry): Entry => {
          const inner = nameOf(entry) === step ? mapEntries(entry[1], rest, change) : entry[1]
          return inner === entry[1] ? entry : [entry[0], inner]
        })
  const isSame =
    entries.length === value.value.length && entries.every((entry, i) => entry === value.value[i])
  return isSame ? value : { type: 'map', value: entries }
}

/** The map at a path on which there is no list; undefined where there is none. Throws MessageRefused for a list, and for a step that stands there twice. */
export function mapAt(value: Value, path: readonly string[], place: string): readonly Entry[] | undefined {
  let at: Value | undefined = value
  for (const [i, step] of path.entries()) {
    if (at?.type !== 'map') break
    const [found, another]: readonly Entry[] = at.value.filter(entry => nameOf(entry) === step)
    if (another) {
      const twice = ['body', ...path.slice(0, i + 1)].join('.')
      throw new MessageRefused(`${twice} stands twice in this message, and ${place} could be in either`)
    }
    at = found?.[1]
  }
  if (at?.type === 'list') {
    throw new MessageRefused(
      `${place} is in a list: what is in its items can only be renamed where it stands`,
    )
  }
  return at?.type === 'map' ? at.value : undefined
}

/** What is put into a map, and what is thrown where the map has the name already. */
export interface Added {
  readonly name: string
  readonly value: Value
  readonly taken: () => MessageRefused
}

/** With new values in the map at the path; maps that are missing on the way are made. Takes time for the map once, and not for each value. */
export function put(value: Value, path: readonly string[], added: readonly Added[], depth = 0): Value {
  if (value.type !== 'map') {
    const place = ['body', ...path.slice(0, depth)].join('.')
    throw new MessageRefused(`${place} is no map but a ${value.type}, and nothing can be put into it`)
  }
  const entries = value.value
  const step = path[depth]
  if (step === undefined) return { type: 'map', value: withAdded(entries, added) }
  const found = entries.findIndex(entry => nameOf(entry) === step)
  if (found < 0) {
    return { type: 'map', value: [...entries, [text(step), put(emptyMap, path, added, depth + 1)]] }
  }
  const [key, inner] = entries[found]!
  return { type: 'map', value: entries.with(found, [key, put(inner, path, added, depth + 1)]) }
}

function withAdded(entries: readonly Entry[], added: readonly Added[]): readonly Entry[] {
  const names = new Set(entries.map(nameOf))
  const all = [...entries]
  for (const { name, value, taken } of added) {
    if (names.has(name)) throw taken()
    names.add(name)
    all.push([text(name), value])
  }
  return all
}

export const taken = (from: string, to: string): MessageRefused =>
  new MessageRefused(`${from} cannot become ${to}, which this message has already`)

export const emptyMap: Value = { type: 'map', value: [] }

/** The key of an entry as a path names it: those that are no text have no name. */
export const nameOf = ([key]: Entry): string | undefined => (key.type === 'string' ? key.value : undefined)
