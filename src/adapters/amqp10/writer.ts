import type { Entry, Value } from '../../core/value.ts'

/** Grows as needed and is used again by every message: one is written at a time, and copied when it is whole. */
let scratch = Buffer.allocUnsafeSlow(64 * 1024)
/** A larger one is not kept. */
const largestKept = 1024 * 1024

/**
 * Writes AMQP 1.0 encoded values (specification part 1, section 1.6) with exactly the types they have. Takes what
 * `isWritable` takes. Only one writer may be at work at a time.
 */
export class Writer {
  position = 0

  /** All that was written, in a buffer of its own. */
  done(): Buffer {
    const bytes = Buffer.allocUnsafeSlow(this.position)
    scratch.copy(bytes, 0, 0, this.position)
    if (scratch.length > largestKept) scratch = Buffer.allocUnsafeSlow(64 * 1024)
    return bytes
  }

  /** The head of a section: a described value follows. */
  section(code: number): void {
    this.#room(3)
    scratch[this.position++] = 0x00
    scratch[this.position++] = 0x53
    scratch[this.position++] = code
  }

  /** A list or map: what `write` writes, of which it returns the number of values. */
  compound(code: 0xd0 | 0xd1, write: () => number): void {
    this.#room(9)
    scratch[this.position] = code
    const start = this.position + 1
    this.position += 9
    const count = write()
    scratch.writeUInt32BE(this.position - start - 4, start)
    scratch.writeUInt32BE(count, start + 4)
  }

  value(value: Value): void {
    this.#room(18)
    switch (value.type) {
      case 'null':
        this.nothing()
        return
      case 'bool':
        this.bool(value.value)
        return
      case 'int8':
        scratch[this.position] = 0x51
        this.position = scratch.writeInt8(value.value, this.position + 1)
        return
      case 'int16':
        scratch[this.position] = 0x61
        this.position = scratch.writeInt16BE(value.value, this.position + 1)
        return
      case 'int32':
        scratch[this.position] = 0x71
        this.position = scratch.writeInt32BE(value.value, this.position + 1)
        return
      case 'int64':
        scratch[this.position] = 0x81
        this.position = scratch.writeBigInt64BE(value.value, this.position + 1)
        return
      case 'uint8':
        this.uint8(value.value)
        return
      case 'uint16':
        scratch[this.position] = 0x60
        this.position = scratch.writeUInt16BE(value.value, this.position + 1)
        return
      case 'uint32':
        this.uint32(value.value)
        return
      case 'uint64':
        scratch[this.position] = 0x80
        this.position = scratch.writeBigUInt64BE(value.value, this.position + 1)
        return
      case 'float32':
        scratch[this.position] = 0x72
        this.position = scratch.writeFloatBE(value.value, this.position + 1)
        return
      case 'float64':
        scratch[this.position] = 0x82
        this.position = scratch.writeDoubleBE(value.value, this.position + 1)
        return
      case 'timestamp':
        this.timestamp(value.value)
        return
      case 'char':
        scratch[this.position] = 0x73
        this.position = scratch.writeUInt32BE(value.value.codePointAt(0)!, this.position + 1)
        return
      case 'uuid':
        scratch[this.position] = 0x98
        scratch.write(value.value.replaceAll('-', ''), this.position + 1, 'hex')
        this.position += 17
        return
      case 'string':
        this.string(value.value)
        return
      case 'symbol':
        this.symbol(value.value)
        return
      case 'bytes':
        this.binary(value.value)
        return
      case 'decimal32':
        this.#raw(0x74, value.value)
        return
      case 'decimal64':
        this.#raw(0x84, value.value)
        return
      case 'decimal128':
        this.#raw(0x94, value.value)
        return
      case 'list':
        this.list(value.value)
        return
      case 'map':
        this.map(value.value)
        return
      default:
        throw new TypeError(`a ${value.type} has no encoding`)
    }
  }

  list(items: readonly Value[]): void {
    this.compound(0xd0, () => {
      for (const item of items) this.value(item)
      return items.length
    })
  }

  map(entries: readonly Entry[]): void {
    this.compound(0xd1, () => {
      for (const [key, value] of entries) {
        this.value(key)
        this.value(value)
      }
      return entries.length * 2
    })
  }

  nothing(): void {
    this.#room(1)
    scratch[this.position++] = 0x40
  }

  bool(value: boolean): void {
    this.#room(1)
    scratch[this.position++] = value ? 0x41 : 0x42
  }

  uint8(value: number): void {
    this.#room(2)
    scratch[this.position++] = 0x50
    scratch[this.position++] = value
  }

  uint32(value: number): void {
    this.#room(5)
    scratch[this.position] = 0x70
    this.position = scratch.writeUInt32BE(value, this.position + 1)
  }

  timestamp(value: number): void {
    this.#room(9)
    scratch[this.position] = 0x83
    this.position = scratch.writeBigInt64BE(BigInt(value), this.position + 1)
  }

  string(text: string): void {
    this.#text(text, 0xa1, Buffer.byteLength(text))
  }

  symbol(text: string): void {
    this.#text(text, 0xa3, text.length)
  }

  binary(bytes: Uint8Array): void {
    this.#room(bytes.length + 5)
    this.#length(0xa0, bytes.length)
    scratch.set(bytes, this.position)
    this.position += bytes.length
  }

  #text(text: string, code: number, length: number): void {
    this.#room(length + 5)
    this.#length(code, length)
    scratch.write(text, this.position)
    this.position += length
  }

  /** Of the two codes of a type the one that is wide enough: 0xa. has one byte of length, 0xb. four. */
  #length(code: number, length: number): void {
    if (length < 256) {
      scratch[this.position++] = code
      scratch[this.position++] = length
      return
    }
    scratch[this.position] = code + 0x10
    this.position = scratch.writeUInt32BE(length, this.position + 1)
  }

  #raw(code: number, bytes: Uint8Array): void {
    scratch[this.position] = code
    scratch.set(bytes, this.position + 1)
    this.position += 1 + bytes.length
  }

  #room(bytes: number): void {
    if (this.position + bytes <= scratch.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(scratch.length * 2, this.position + bytes))
    scratch.copy(larger, 0, 0, this.position)
    scratch = larger
  }
}
