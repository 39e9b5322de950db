import type { Body } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'

/**
 * Everything that is compared is written as a text first: what a foreign client saw in the words of its protocol, what Sluice
 * read in those of `Value`. So an expectation is what stands in the page, and a failure can be read.
 */
export function shown(value: Value): string {
  switch (value.type) {
    case 'null':
      return 'null'
    case 'list':
      return `list [${value.value.map(shown).join(', ')}]`
    case 'map':
      return `map {${value.value.map(([k, v]) => `${shown(k)}: ${shown(v)}`).join(', ')}}`
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
      return `${value.type} ${quoted(value.value)}`
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return `${value.type} ${hex(value.value)}`
    case 'bool':
      return `bool ${value.value}`
    default:
      return `${value.type} ${digits(value.value)}`
  }
}

export function shownBody(body: Body): string {
  switch (body.kind) {
    case 'text':
      return `text ${quoted(body.text)}`
    case 'bytes':
    case 'object':
      return `${body.kind} ${octets(body.bytes)}`
    case 'map':
      return shown({ type: 'map', value: body.entries })
    case 'list':
      return shown({ type: 'list', value: body.items })
    case 'none':
      return 'none'
  }
}

/** Control characters stand as escapes, all others as they are. */
export const quoted = (text: string): string => JSON.stringify(text)

export const digits = (number: number | bigint): string => (Object.is(number, -0) ? '-0' : String(number))

export const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

/** Text in quotes where the bytes are text without control characters, else hexadecimal digits. */
export function octets(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString()
  const isText = Buffer.from(text).equals(Buffer.from(bytes)) && !/\p{Cc}/u.test(text)
  return isText ? quoted(text) : hex(bytes)
}
