import { MessageRefused, sentence } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import { bodyOfValue, valueOfBody } from '../../../core/structured-body.ts'
import type { Value } from '../../../core/value.ts'
import { type Charset, utf8 } from './charset.ts'

/** Reads a body from how it stands in the message, or writes it so. Throws MessageRefused. */
export type Codec = (body: Body) => Body

/** More is not read: the time that a body takes must not hold up the other routes. */
export const maxBytes = 16 * 2 ** 20

/** Elements, cells, or members and items of JSON: more are not read, since 16 MiB of `1,1,1` would take gigabytes here. */
export const maxValues = 1_000_000

/** Throws when a body turns out to hold so many values. */
export function checkCount(values: number): void {
  if (values > maxValues) throw new RangeError(`more than ${maxValues} values`)
}

const names = {
  text: 'text',
  bytes: 'bytes',
  object: 'a serialised Java object',
  map: 'a map',
  list: 'a list',
  none: 'empty',
} as const

/** Refuses a body of this kind; `takes` is what would do: `JSON is read from text or bytes`. */
export const unfit = (body: Body, takes: string): MessageRefused =>
  new MessageRefused(`${takes}, and the body is ${names[body.kind]}`)

/** The text of a body. Bytes are read in `charset`, which is UTF-8 unless the format says otherwise. */
export function textOf(
  body: Body,
  format: string,
  charset: (bytes: Uint8Array) => Charset = () => utf8,
): string {
  if (body.kind !== 'text' && body.kind !== 'bytes') throw unfit(body, `${format} is read from text or bytes`)
  const size = body.kind === 'text' ? body.text.length : body.bytes.length
  if (size > maxBytes) {
    throw new MessageRefused(
      `${format} is read up to ${maxBytes / 2 ** 20} MiB, and the body has ${size} bytes`,
    )
  }
  if (body.kind === 'bytes') return charset(body.bytes).decode(body.bytes)
  return body.text.startsWith('\ufeff') ? body.text.slice(1) : body.text
}

/** Runs a reader that throws other errors than MessageRefused for what it cannot read. */
export function reading<T>(format: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof MessageRefused) throw cause
    throw new MessageRefused(`the body cannot be read as ${format}: ${sentence(cause)}`)
  }
}

/** A map or a list as a body; other values have no kind of body of their own and become text. */
export function bodyOf(value: Value, scalar: (value: Value) => Body): Body {
  return value.type === 'map' || value.type === 'list' ? bodyOfValue(value) : scalar(value)
}

/** The value that a body is, where it is one. */
export function wholeValue(body: Body): Value | undefined {
  switch (body.kind) {
    case 'map':
    case 'list':
      return valueOfBody(body)
    case 'text':
      return { type: 'string', value: body.text }
    case 'none':
      return { type: 'null' }
    default:
      return undefined
  }
}
