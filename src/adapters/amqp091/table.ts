import { isUtf8 } from 'node:buffer'
import { type Entry, nothing, text, type Value } from '../../core/value.ts'

/** Deeper tables and arrays are no data: decoding them, and all that reads them later, would overflow the stack. */
const maxDepth = 64

/**
 * Reads AMQP 0-9-1 data with all its types. The letters are those that RabbitMQ and Qpid use, which differ from the
 * specification's (RabbitMQ's "AMQP 0-9-1 errata"): `s` is a signed 16-bit integer and no short string, `l` is signed.
 * `U` and `L`, which those brokers never write, are the specification's signed 16 and 64 bits.
 * Throws RangeError past the end and below `maxDepth`, and TypeError at an unknown letter.
 */
export class TableReader {
  readonly #bytes: Buffer
  readonly #depth: number
  #at: number
  #end: number

  constructor(bytes: Buffer, depth = 0) {
    if (depth > maxDepth) throw new RangeError(`values nested more than ${maxDepth} deep`)
    this.#bytes = bytes
    this.#depth = depth
    this.#at = 0
    this.#end = bytes.length
  }

  get atEnd(): boolean {
    return this.#at >= this.#end
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1))
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8))
  }

  /** A short string (length in one byte): names and most properties. */
  shortString(): string {
    const length = this.uint8()
    const at = this.#take(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  /** The bytes of a table, array, long string or byte array, whose length stands before it. */
  block(): Buffer {
    const length = this.#bytes.readUInt32BE(this.#take(4))
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  value(): Value {
    const letter = this.uint8()
    switch (letter) {
      case 0x53: // S
        return this.#longString()
      case 0x49: // I
        return { type: 'int32', value: this.#bytes.readInt32BE(this.#take(4)) }
      case 0x6c: // l
      case 0x4c: // L
        return { type: 'int64', value: this.#bytes.readBigInt64BE(this.#take(8)) }
      case 0x74: // t
        return { type: 'bool', value: this.uint8() !== 0 }
      case 0x62: // b
        return { type: 'int8', value: this.#bytes.readInt8(this.#take(1)) }
      case 0x42: // B
        return { type: 'uint8', value: this.uint8() }
      case 0x73: // s
      case 0x55: // U
        return { type: 'int16', value: this.#bytes.readInt16BE(this.#take(2)) }
      case 0x75: // u
        return { type: 'uint16', value: this.uint16() }
      case 0x69: // i
        return { type: 'uint32', value: this.#bytes.readUInt32BE(this.#take(4)) }
      case 0x66: // f
        return { type: 'float32', value: this.#bytes.readFloatBE(this.#take(4)) }
      case 0x64: // d
        return { type: 'float64', value: this.#bytes.readDoubleBE(this.#take(8)) }
      case 0x44: // D
        return { type: 'decimal', value: decimal(this.uint8(), this.#bytes.readUInt32BE(this.#take(4))) }
      case 0x54: // T
        return timestamp(this.uint64())
      case 0x78: // x
        return { type: 'bytes', value: Uint8Array.from(this.block()) }
      case 0x56: // V
        return nothing
      case 0x41: // A
        return { type: 'list', value: [...values(this.block(), this.#depth + 1)] }
      case 0x46: // F
        return {
          type: 'map',
          value: [...fields(this.block(), this.#depth + 1)].map(([name, v]): Entry => [text(name), v]),
        }
      default:
        throw new TypeError(`unknown field type 0x${letter.toString(16)}`)
    }
  }

  /** Text as a rule; bytes where it is no UTF-8, since the protocol calls it opaque. */
  #longString(): Value {
    const block = this.block()
    const value = block.toString('utf8')
    if (value.includes('\ufffd') && !isUtf8(block)) return { type: 'bytes', value: Uint8Array.from(block) }
    return { type: 'string', value }
  }

  #take(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#end) throw new RangeError('the data ends in the middle of a field')
    return at
  }
}

/** The fields of a table in their order; a name may come twice. */
export function* fields(table: Buffer, depth = 0): Generator<[name: string, value: Value]> {
  const reader = new TableReader(table, depth)
  while (!reader.atEnd) yield [reader.shortString(), reader.value()]
}

function* values(array: Buffer, depth: number): Generator<Value> {
  const reader = new TableReader(array, depth)
  while (!reader.atEnd) yield reader.value()
}

/** Decimal text of `digits` with so many of them behind the point: (2, 1234) is 12.34. */
function decimal(places: number, digits: number): string {
  const written = String(digits).padStart(places + 1, '0')
  return places === 0 ? written : `${written.slice(0, -places)}.${written.slice(-places)}`
}

/** The wire has seconds. Counts that milliseconds cannot express exactly are no times; they stay integers. */
function timestamp(seconds: bigint): Value {
  const milliseconds = seconds * 1000n
  return milliseconds <= Number.MAX_SAFE_INTEGER
    ? { type: 'timestamp', value: Number(milliseconds) }
    : { type: 'uint64', value: seconds }
}
