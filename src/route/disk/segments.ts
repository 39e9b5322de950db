import type { AckLog } from './ack-log.ts'
import type { FileSystem } from './file-system.ts'
import type { Segment } from './segment.ts'

/** The segments of a buffer in their order, and which of their records are done with. A segment is removed once all of its are. */
export class Segments {
  readonly #files: FileSystem
  readonly #folder: string
  readonly #maxBytes: number
  readonly #acks: AckLog
  #all: readonly Segment[]
  /** The highest sequence number that is synced. */
  #synced: number
  #changed = Promise.withResolvers<void>()

  constructor(
    files: FileSystem,
    folder: string,
    maxBytes: number,
    acks: AckLog,
    found: readonly Segment[],
    synced: number,
  ) {
    this.#files = files
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#acks = acks
    this.#all = found
    this.#synced = synced
  }

  get all(): readonly Segment[] {
    return this.#all
  }

  get bytes(): number {
    return this.#all.reduce((sum, segment) => sum + segment.bytes, 0)
  }

  /** Records that are not done with. */
  get records(): number {
    return this.#synced - this.#acks.acked.count
  }

  get synced(): number {
    return this.#synced
  }

  /** Resolves when something was synced or removed. */
  get changed(): Promise<void> {
    return this.#changed.promise
  }

  /** One that is larger than all the room there is has room when nothing else is here. */
  hasRoom(bytes: number): boolean {
    return this.records === 0 || this.bytes + bytes <= this.#maxBytes
  }

  /** The segment in which the record stands, where it is there. */
  segmentOf(seq: number): Segment | undefined {
    // What is asked for is mostly in the oldest, and there may be a thousand.
    const behind = this.#all.findIndex(({ header }) => header.first > seq)
    return behind < 0 ? this.#all.at(-1) : this.#all[behind - 1]
  }

  add(segment: Segment): void {
    this.#all = [...this.#all, segment]
  }

  grown(segment: Segment, bytes: number, synced: number): void {
    segment.bytes = bytes
    this.#synced = synced
    this.#change()
  }

  /** No other record will be written into the segment. */
  async end(segment: Segment, end: number): Promise<void> {
    segment.end = end
    await this.#removeDone(segment)
    this.#change()
  }

  /** Resolves once it lasts that they are done with, as far as the disk lets it. */
  async acknowledge(from: number, to: number): Promise<void> {
    const lasts = this.#acks.acknowledge(from, to)
    const segment = this.segmentOf(from)
    if (segment) await this.#removeDone(segment)
    if (this.records === 0) this.#change()
    await lasts
  }

  async #removeDone(segment: Segment): Promise<void> {
    const { header, path, end } = segment
    if (end === undefined || segment.isRemoved || !this.#acks.acked.covers(header.first, end - 1)) return
    segment.isRemoved = true
    this.#all = this.#all.filter(other => other !== segment)
    // One that cannot be removed now is removed at the next start.
    await this.#files
      .remove(path)
      .then(() => this.#files.syncFolder(this.#folder))
      .catch(() => {})
    this.#change()
  }

  #change(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
