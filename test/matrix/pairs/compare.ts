import type { Message, Properties } from '../../../src/core/message.ts'
import type { Value } from '../../../src/core/value.ts'
import { quoted, shown, shownBody } from '../show.ts'
import { numberName } from './messages.ts'

/** One part of a message that is not as it was; `gone` stands for what is not there. */
export interface Difference {
  readonly part: 'body' | 'header' | 'property'
  readonly name: string
  readonly was: string
  readonly is: string
}

export const gone = 'gone'

/** All that a message has, as text. Left out are its number, and the name of its delivery, which each route gives anew. */
function* partsOf({
  body,
  headers,
  properties,
}: Message): Generator<readonly [string, Omit<Difference, 'is'>]> {
  yield ['body', { part: 'body', name: '', was: shownBody(body) }]
  for (const [name, value] of Object.entries(headers)) {
    if (name !== numberName) yield [`header ${name}`, { part: 'header', name, was: shown(value) }]
  }
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'deduplicationId' || value === undefined) continue
    yield [`property ${name}`, { part: 'property', name, was: shownProperty(value) }]
  }
}

const shownProperty = (value: NonNullable<Properties[keyof Properties]>): string =>
  typeof value === 'object'
    ? shown(value as Value)
    : typeof value === 'string'
      ? quoted(value)
      : String(value)

export function differences(was: Message, is: Message): readonly Difference[] {
  const before = new Map(partsOf(was))
  const after = new Map(partsOf(is))
  return [...new Set([...before.keys(), ...after.keys()])].flatMap(key => {
    const one = before.get(key)
    const other = after.get(key)
    if (one?.was === other?.was) return []
    const { part, name } = (one ?? other)!
    return [{ part, name, was: one?.was ?? gone, is: other?.was ?? gone }]
  })
}

export const sayDifference = ({ part, name, was, is }: Difference): string =>
  `${part}${name === '' ? '' : ` ${quoted(name)}`}: ${was} came as ${is}`

/** For people who look for what is odd in it: not longer than they read. */
export const sayMessage = (message: Message): string => {
  const said = Array.from(partsOf(message), ([key, { was }]) => `${quoted(key)} ${was}`).join(', ')
  return said.length > 2_000 ? `${said.slice(0, 2_000)}…` : said
}
