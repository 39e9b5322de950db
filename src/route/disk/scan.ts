import type { OpenFile } from './file-system.ts'
import { type Head, headSize, isWhole, markerSize, readHead } from './frame.ts'
import { headerSize } from './segment.ts'

export interface Found {
  readonly type: 'record'
  readonly seq: number
  readonly isEncrypted: boolean
  /** Keeps more in memory than itself. */
  readonly content: Buffer
  /** Where it stands in the file. */
  readonly from: number
  readonly to: number
}

/** Bytes that are no record, up to the next one or the end. */
export interface Damage {
  readonly type: 'damage'
  readonly from: number
  readonly to: number
  /** The record that it was, where its head is whole. */
  readonly seq?: number
}

/** So much is read at a time. */
const chunk = 256 * 1024

/** Reads the records of one segment from its beginning, in pieces of bounded size. */
export class Scan {
  readonly #file: OpenFile
  readonly #marker: Buffer
  #window = Buffer.alloc(0)
  #windowAt = 0
  #position = headerSize

  constructor(file: OpenFile, marker: Buffer) {
    this.#file = file
    this.#marker = marker
  }

  /** Everything before has been given as records or damage. */
  get position(): number {
    return this.#position
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /**
   * The next piece that ends at `limit` or before; undefined where there is none, and then what is left before `limit` is nothing,
   * or the beginning of a record whose writing stopped there.
   */
  async next(limit: number): Promise<Found | Damage | undefined> {
    const from = this.#position
    let at = from
    for (;;) {
      const head = await this.#head(at, limit)
      if (head && at + headSize + head.length <= limit) {
        return at > from ? this.#damage(from, at) : this.#record(head, limit)
      }
      if (head) return at > from ? this.#damage(from, at) : undefined
      const next = await this.#find(at + 1, limit)
      if (next === undefined) return (await this.#isTorn(from, limit)) ? undefined : this.#damage(from, limit)
      at = next
    }
  }

  #damage(from: number, to: number, seq?: number): Damage {
    this.#position = to
    return { type: 'damage', from, to, ...(seq !== undefined && { seq }) }
  }

  async #record(head: Head, limit: number): Promise<Found | Damage> {
    const from = this.#position
    const to = from + headSize + head.length
    const content = await this.#bytes(from + headSize, to, limit)
    if (!isWhole(head, content)) return this.#damage(from, to, head.seq)
    this.#position = to
    return { type: 'record', seq: head.seq, isEncrypted: head.isEncrypted, content, from, to }
  }

  async #head(at: number, limit: number): Promise<Head | undefined> {
    if (at + headSize > limit) return undefined
    return readHead(await this.#bytes(at, at + headSize, limit), this.#marker)
  }

  /** The next place from `from` on at which the marker stands. */
  async #find(from: number, limit: number): Promise<number | undefined> {
    for (let at = from; at + headSize <= limit; ) {
      const end = Math.min(at + chunk, limit)
      const found = (await this.#bytes(at, end, limit)).indexOf(this.#marker)
      if (found >= 0) return at + found
      if (end === limit) return undefined
      at = end - markerSize + 1
    }
    return undefined
  }

  /** The beginning of a head, or a place in the file that was never written to. */
  async #isTorn(from: number, limit: number): Promise<boolean> {
    if (limit - from < headSize) return true
    for (let at = from; at < limit; at += chunk) {
      const end = Math.min(at + chunk, limit)
      if ((await this.#bytes(at, end, limit)).some(byte => byte !== 0)) return false
    }
    return true
  }

  /** These bytes of the file, in memory that is never written to again. */
  async #bytes(from: number, to: number, limit: number): Promise<Buffer> {
    if (from < this.#windowAt || to > this.#windowAt + this.#window.length) {
      const size = Math.min(Math.max(chunk, to - from), limit - from)
      const into = Buffer.allocUnsafeSlow(size)
      this.#window = into.subarray(0, await this.#file.read(into, from))
      this.#windowAt = from
    }
    return this.#window.subarray(from - this.#windowAt, to - this.#windowAt)
  }
}
