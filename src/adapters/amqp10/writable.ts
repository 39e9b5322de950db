import type { Value } from '../../core/value.ts'

/** As deep as the reader goes (reader.ts). */
const maxDepth = 64

/** Does AMQP 1.0 have this value, with its type? */
export function isWritable(value: Value, depth = 1): boolean {
  switch (value.type) {
    case 'string':
      return value.value.isWellFormed()
    case 'symbol':
      return isAscii(value.value)
    case 'char':
      return value.value.isWellFormed() && isOneCharacter(value.value)
    case 'uuid':
      return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value.value)
    case 'timestamp':
      return Number.isSafeInteger(value.value) && !Object.is(value.value, -0)
    case 'decimal':
      return false
    case 'decimal32':
      return value.value.length === 4
    case 'decimal64':
      return value.value.length === 8
    case 'decimal128':
      return value.value.length === 16
    case 'list':
      return depth < maxDepth && value.value.every(item => isWritable(item, depth + 1))
    case 'map':
      return (
        depth < maxDepth &&
        value.value.every(([key, item]) => isWritable(key, depth + 1) && isWritable(item, depth + 1))
      )
    default:
      return true
  }
}

export const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

const isOneCharacter = (text: string): boolean => text.length === (text.codePointAt(0)! > 0xffff ? 2 : 1)
