import type { Entry, Value } from '../../core/value.ts'

/** As deep as the reader goes (table.ts). */
const maxDepth = 64

const maxDigits = 2 ** 32 - 1

/** Writes AMQP 0-9-1 data: the letters are those of `TableReader`, which RabbitMQ and Qpid use. Grows as it has to. */
export class Writer {
  #bytes = Buffer.allocUnsafe(512)
  #at = 0

  begin(): void {
    this.#at = 0
  }

  /** A copy of what was written since `begin`. */
  taken(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#at))
  }

  uint8(value: number): void {
    const at = this.#room(1)
    this.#bytes[at] = value
  }

  uint16(value: number): void {
    const at = this.#room(2)
    this.#bytes.writeUInt16BE(value, at)
  }

  uint64(value: bigint): void {
    const at = this.#room(8)
    this.#bytes.writeBigUInt64BE(value, at)
  }

  /** A short string: at most 255 bytes, which the caller has seen to. */
  shortString(text: string): void {
    const length = Buffer.byteLength(text)
    const at = this.#room(1 + length)
    this.#bytes[at] = length
    this.#bytes.write(text, at + 1)
  }

  /** A table of these fields, whose names are short and whose values are native. */
  table(fields: Iterable<readonly [string, Value]>): void {
    this.#block(() => {
      for (const [name, value] of fields) {
        this.shortString(name)
        this.#value(value)
      }
    })
  }

  /** What `write` writes, with its length before it, as tables, arrays and long strings stand. */
  #block(write: () => void): void {
    const at = this.#room(4)
    write()
    this.#bytes.writeUInt32BE(this.#at - at - 4, at)
  }

  #value(value: Value): void {
    const number = numbers[value.type]
    if (number) {
      const [letter, size, write] = number
      this.#letter(letter)
      const at = this.#room(size)
      write(this.#bytes, (value as unknown as { readonly value: never }).value, at)
    } else this.#other(value)
  }

  #other(value: Value): void {
    switch (value.type) {
      case 'null':
        this.#letter('V')
        break
      case 'bool':
        this.#letter('t')
        this.uint8(value.value ? 1 : 0)
        break
      case 'string':
        this.#letter('S')
        this.#block(() => this.#text(value.value))
        break
      case 'bytes':
        this.#letter('x')
        this.#block(() => this.#opaque(value.value))
        break
      case 'list':
        this.#letter('A')
        this.#block(() => {
          for (const item of value.value) this.#value(item)
        })
        break
      case 'map':
        this.#letter('F')
        this.table(value.value.map(([key, item]) => [nameOf(key), item] as const))
        break
      case 'decimal':
        this.#letter('D')
        this.#decimal(value.value)
        break
      case 'timestamp':
        this.#letter('T')
        this.uint64(BigInt(value.value / 1000))
        break
      default:
        throw new TypeError(`${value.type} has no letter of its own`)
    }
  }

  #decimal(text: string): void {
    const [whole = '', fraction = ''] = text.split('.')
    this.uint8(fraction.length)
    const at = this.#room(4)
    this.#bytes.writeUInt32BE(Number(whole + fraction), at)
  }

  #letter(letter: string): void {
    this.uint8(letter.charCodeAt(0))
  }

  #text(text: string): void {
    const at = this.#room(Buffer.byteLength(text))
    this.#bytes.write(text, at)
  }

  #opaque(bytes: Uint8Array): void {
    const at = this.#room(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Where so many bytes more go. */
  #room(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#at)
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}

/** Letter, bytes, and how they are written. */
const numbers: Partial<
  Record<
    Value['type'],
    readonly [letter: string, size: number, write: (to: Buffer, n: never, at: number) => number]
  >
> = {
  int8: ['b', 1, (to, n, at) => to.writeInt8(n, at)],
  uint8: ['B', 1, (to, n, at) => to.writeUInt8(n, at)],
  int16: ['s', 2, (to, n, at) => to.writeInt16BE(n, at)],
  uint16: ['u', 2, (to, n, at) => to.writeUInt16BE(n, at)],
  int32: ['I', 4, (to, n, at) => to.writeInt32BE(n, at)],
  uint32: ['i', 4, (to, n, at) => to.writeUInt32BE(n, at)],
  int64: ['l', 8, (to, n, at) => to.writeBigInt64BE(n, at)],
  float32: ['f', 4, (to, n, at) => to.writeFloatBE(n, at)],
  float64: ['d', 8, (to, n, at) => to.writeDoubleBE(n, at)],
}

/** Can it stand where the protocol has at most 255 bytes of UTF-8? */
export const isShort = (text: string): boolean =>
  text.length <= 255 && text.isWellFormed() && Buffer.byteLength(text) <= 255

/** Has a table a type for it, which the broker takes and a reader gives back as the same value? */
export function isNative(value: Value, depth = 0): boolean {
  switch (value.type) {
    case 'string':
      return value.value.isWellFormed()
    case 'float32':
    case 'float64':
      // Erlang has no others: RabbitMQ cannot read them.
      return Number.isFinite(value.value)
    case 'timestamp':
      return value.value >= 0 && value.value % 1000 === 0 && value.value <= Number.MAX_SAFE_INTEGER
    case 'decimal':
      return isDecimal(value.value)
    case 'list':
      return depth < maxDepth && value.value.every(item => isNative(item, depth + 1))
    case 'map':
      return depth < maxDepth && hasNames(value.value) && value.value.every(([, v]) => isNative(v, depth + 1))
    default:
      return !withoutLetter.has(value.type)
  }
}

const withoutLetter: ReadonlySet<Value['type']> = new Set<Value['type']>([
  'uint64',
  'symbol',
  'char',
  'uuid',
  'decimal32',
  'decimal64',
  'decimal128',
])

/** Written in the one way in which it is read back: `12.50`, and neither `+12.5` nor `012.5`. */
function isDecimal(text: string): boolean {
  const [, whole = '', , fraction = ''] = /^(0|[1-9]\d*)(\.(\d+))?$/.exec(text) ?? []
  return whole !== '' && fraction.length <= 255 && Number(whole + fraction) <= maxDigits
}

/** Keys that are names, each of which stands there once. */
function hasNames(entries: readonly Entry[]): boolean {
  const names = new Set<string>()
  for (const [key] of entries) if (key.type === 'string' && isShort(key.value)) names.add(key.value)
  return names.size === entries.length
}

const nameOf = (key: Value): string => (key.type === 'string' ? key.value : '')
