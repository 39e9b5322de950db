/**
 * Text as Java's DataOutput writes it: U+0000 as two bytes, a character beyond U+FFFF as two surrogates of three bytes each.
 * Undefined when the bytes are not that. ActiveMQ hands on in this form, where UTF-8 is due, what a JMS client wrote into
 * properties and MapMessages (seen with 6.3.1).
 */
export function decodeModifiedUtf8(bytes: Uint8Array): string | undefined {
  let text = ''
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes[at]!)
    const unit = length === undefined ? undefined : unitAt(bytes, at, length)
    if (length === undefined || unit === undefined) return undefined
    text += String.fromCharCode(unit)
    at += length
  }
  return text.isWellFormed() ? text : undefined
}

const lengthOf = (first: number): 1 | 2 | 3 | undefined =>
  first < 0x80 ? 1 : first >> 5 === 0b110 ? 2 : first >> 4 === 0b1110 ? 3 : undefined

/** One UTF-16 unit, undefined when it could have been written in fewer bytes. */
function unitAt(bytes: Uint8Array, at: number, length: 1 | 2 | 3): number | undefined {
  if (length === 1) return bytes[at]
  let unit = bytes[at]! & (length === 2 ? 0x1f : 0x0f)
  for (let i = at + 1; i < at + length; i++) {
    if (bytes[i]! >> 6 !== 0b10) return undefined
    unit = (unit << 6) | (bytes[i]! & 0x3f)
  }
  const least = length === 2 ? 0x80 : 0x800
  return unit >= least || (length === 2 && unit === 0) ? unit : undefined
}
