import { isUtf8 } from 'node:buffer'
import { type Entry, nothing, type Value } from '../../core/value.ts'
import { decodeModifiedUtf8 } from '../shared/modified-utf8.ts'

/** Deeper ones would overflow the stack of whoever writes them again. */
const maxDepth = 64

/**
 * Reads AMQP 1.0 encoded values (specification part 1, section 1.6) with their types: the client library would hand
 * them out as bare JavaScript values. Throws RangeError on bytes that are no such value; never reads past the end.
 */
export class Reader {
  readonly bytes: Buffer
  position = 0
  #depth = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get more(): boolean {
    return this.position < this.bytes.length
  }

  /** A described value is read as what it describes: nothing downstream knows foreign descriptors. */
  value(): Value {
    if (++this.#depth > maxDepth) throw new RangeError(`values nested more than ${maxDepth} deep`)
    const value = this.#ofType(this.constructorCode())
    this.#depth--
    return value
  }

  /** The type code of the value that follows, past its descriptors. */
  constructorCode(): number {
    let code = this.#uint8()
    while (code === 0x00) {
      this.value()
      code = this.#uint8()
    }
    return code
  }

  /** The descriptor that must come next: its code, or its symbol. */
  descriptor(): bigint | number | string {
    if (this.#uint8() !== 0x00) throw new RangeError('expected a described section')
    if (this.bytes[this.position] === 0x53) return this.#skipTo(this.position + 2)[1]!
    const value = this.value()
    if (value.type === 'uint64' || value.type === 'symbol') return value.value
    throw new RangeError(`a section described by a ${value.type}`)
  }

  /** Reads the head of a list or map of type `code` and returns how many values follow. */
  compound(code: number): number {
    if (code === 0x45) return 0
    if (code !== 0xc0 && code !== 0xc1 && code !== 0xd0 && code !== 0xd1) {
      throw new RangeError(`expected a list or map, found type 0x${code.toString(16)}`)
    }
    const wide = (code & 0x10) !== 0
    const size = wide ? this.#uint32() : this.#uint8()
    this.#room(size)
    const count = wide ? this.#uint32() : this.#uint8()
    if (count > size) throw new RangeError(`a compound of ${count} values in ${size} bytes`)
    return count
  }

  #ofType(code: number): Value {
    const { bytes } = this
    switch (code) {
      case 0x40:
        return nothing
      case 0x41:
        return { type: 'bool', value: true }
      case 0x42:
        return { type: 'bool', value: false }
      case 0x56:
        return { type: 'bool', value: this.#uint8() !== 0 }
      case 0x50:
        return { type: 'uint8', value: this.#uint8() }
      case 0x60:
        return { type: 'uint16', value: bytes.readUInt16BE(this.#advance(2)) }
      case 0x70:
        return { type: 'uint32', value: this.#uint32() }
      case 0x52:
        return { type: 'uint32', value: this.#uint8() }
      case 0x43:
        return { type: 'uint32', value: 0 }
      case 0x80:
        return { type: 'uint64', value: bytes.readBigUInt64BE(this.#advance(8)) }
      case 0x53:
        return { type: 'uint64', value: BigInt(this.#uint8()) }
      case 0x44:
        return { type: 'uint64', value: 0n }
      case 0x51:
        return { type: 'int8', value: bytes.readInt8(this.#advance(1)) }
      case 0x61:
        return { type: 'int16', value: bytes.readInt16BE(this.#advance(2)) }
      case 0x71:
        return { type: 'int32', value: bytes.readInt32BE(this.#advance(4)) }
      case 0x54:
        return { type: 'int32', value: bytes.readInt8(this.#advance(1)) }
      case 0x81:
        return { type: 'int64', value: bytes.readBigInt64BE(this.#advance(8)) }
      case 0x55:
        return { type: 'int64', value: BigInt(bytes.readInt8(this.#advance(1))) }
      case 0x72:
        return { type: 'float32', value: bytes.readFloatBE(this.#advance(4)) }
      case 0x82:
        return { type: 'float64', value: bytes.readDoubleBE(this.#advance(8)) }
      case 0x74:
        return { type: 'decimal32', value: this.#take(4) }
      case 0x84:
        return { type: 'decimal64', value: this.#take(8) }
      case 0x94:
        return { type: 'decimal128', value: this.#take(16) }
      case 0x73:
        return { type: 'char', value: String.fromCodePoint(this.#uint32()) }
      case 0x83:
        return { type: 'timestamp', value: Number(bytes.readBigInt64BE(this.#advance(8))) }
      case 0x98:
        return { type: 'uuid', value: uuid(this.#take(16)) }
      case 0xa0:
        return { type: 'bytes', value: this.#take(this.#uint8()) }
      case 0xb0:
        return { type: 'bytes', value: this.#take(this.#uint32()) }
      case 0xa1:
        return string(this.#take(this.#uint8()))
      case 0xb1:
        return string(this.#take(this.#uint32()))
      case 0xa3:
        return { type: 'symbol', value: this.#take(this.#uint8()).toString('latin1') }
      case 0xb3:
        return { type: 'symbol', value: this.#take(this.#uint32()).toString('latin1') }
      case 0x45:
      case 0xc0:
      case 0xd0:
        return { type: 'list', value: this.values(this.compound(code)) }
      case 0xc1:
      case 0xd1:
        return { type: 'map', value: this.entries(this.compound(code)) }
      case 0xe0:
      case 0xf0:
        return { type: 'list', value: this.#array(code) }
      default:
        throw new RangeError(`unknown type 0x${code.toString(16)}`)
    }
  }

  values(count: number): Value[] {
    const values: Value[] = []
    for (let i = 0; i < count; i++) values.push(this.value())
    return values
  }

  entries(count: number): Entry[] {
    if (count % 2 !== 0) throw new RangeError('a map with a key that has no value')
    const entries: Entry[] = []
    for (let i = 0; i < count; i += 2) entries.push([this.value(), this.value()])
    return entries
  }

  #array(code: number): Value[] {
    const size = code === 0xf0 ? this.#uint32() : this.#uint8()
    this.#room(size)
    const count = code === 0xf0 ? this.#uint32() : this.#uint8()
    const type = this.constructorCode()
    const withoutWidth = type >> 4 === 4
    if (count > (withoutWidth ? 65_536 : size)) throw new RangeError(`an array of ${count} in ${size} bytes`)
    const values: Value[] = []
    for (let i = 0; i < count; i++) values.push(this.#ofType(type))
    return values
  }

  #uint8(): number {
    return this.bytes.readUInt8(this.#advance(1))
  }

  #uint32(): number {
    return this.bytes.readUInt32BE(this.#advance(4))
  }

  #take(length: number): Buffer {
    this.#room(length)
    const start = this.#advance(length)
    return this.bytes.subarray(start, start + length)
  }

  #skipTo(end: number): Buffer {
    return this.#take(end - this.position)
  }

  #room(length: number): void {
    if (length > this.bytes.length - this.position)
      throw new RangeError('a value that ends beyond the message')
  }

  #advance(length: number): number {
    const at = this.position
    this.position += length
    return at
  }
}

/** A string that is neither UTF-8 nor Java's form of it keeps its bytes: decoding would replace what it does not understand. */
function string(bytes: Buffer): Value {
  const value = bytes.toString()
  if (!value.includes('\ufffd') || isUtf8(bytes)) return { type: 'string', value }
  const text = decodeModifiedUtf8(bytes)
  return text === undefined ? { type: 'bytes', value: bytes } : { type: 'string', value: text }
}

function uuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
