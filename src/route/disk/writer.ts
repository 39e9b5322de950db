import { LinkLost, sentence, toError } from '../../core/errors.ts'
import { formatSize } from '../../core/units.ts'
import { pause } from '../backoff.ts'
import type { DiskKey } from './encryption.ts'
import { type FileSystem, isFull, type OpenFile } from './file-system.ts'
import { frameSize, writeFrame } from './frame.ts'
import { headerBytes, headerSize, newHeader, Segment } from './segment.ts'
import type { Segments } from './segments.ts'

export interface WriterReport {
  /** One commit of so many records is on the disk. */
  synced(records: number, seconds: number): void
  /** There is no room, and nothing is taken until there is; undefined: there is again. */
  full(reason: string | undefined): void
  /** Writing failed; it is tried again in another segment. */
  failed(error: Error): void
}

export interface WriterOptions {
  readonly folder: string
  readonly maxBytes: number
  readonly key: DiskKey | undefined
  /** The number of the first segment, and of the first record, that it writes. */
  readonly number: number
  readonly next: number
}

interface Pending {
  readonly seq: number
  readonly content: Buffer
  readonly done: (error?: Error) => void
}

/** One commit has so many bytes at most, or one record. Encrypting takes time, in which nothing else is done. */
const maxCommit = 2 * 1024 * 1024
const maxEncrypted = 256 * 1024
const minSegment = 64 * 1024
const maxSegment = 64 * 1024 * 1024
/** Between two tries (ms) on a disk that is full or broken. */
const patience = 500

/**
 * Appends records in their order, one commit at a time: while one is written and synced those that come wait, and go
 * with the next. Where a commit fails, its segment is left as it was when it was last synced, for ever, and the same records are
 * written into a new one: a file whose data could not be synced once may say that it is, and is not.
 */
export class Writer {
  readonly #files: FileSystem
  readonly #segments: Segments
  readonly #options: WriterOptions
  readonly #report: WriterReport
  readonly #segmentSize: number
  readonly #closing = new AbortController()
  #next: number
  #number: number
  #queue: Pending[] = []
  #open: { readonly segment: Segment; readonly file: OpenFile; isThere: boolean } | undefined
  #running: Promise<void> | undefined
  #isFull = false

  constructor(files: FileSystem, segments: Segments, options: WriterOptions, report: WriterReport) {
    this.#files = files
    this.#segments = segments
    this.#options = options
    this.#report = report
    this.#next = options.next
    this.#number = options.number
    this.#segmentSize = Math.min(maxSegment, Math.max(minSegment, Math.floor(options.maxBytes / 16)))
  }

  /** Nothing more should be taken for now. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Resolves once the record is on the disk. Rejects with LinkLost when the writer was closed before. */
  append(content: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#queue.push({ seq: this.#next++, content, done: error => (error ? reject(error) : resolve()) })
    this.#running ??= this.#run()
    return promise
  }

  /** What is being written is finished, what waits is given up. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
    await this.#end()
  }

  async #run(): Promise<void> {
    // Those that come in this turn of the event loop go along.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#cut()
      const isSaved = await this.#save(batch)
      const error = isSaved
        ? undefined
        : new LinkLost('the disk buffer was closed before the message was on the disk')
      for (const { done } of batch) done(error)
    }
    this.#running = undefined
  }

  /** Never more at once than the smallest buffer has room for. */
  #cut(): readonly Pending[] {
    const most = Math.min(this.#segmentSize, this.#options.key ? maxEncrypted : maxCommit)
    let [count, bytes] = [0, 0]
    for (const { content } of this.#queue) {
      bytes += frameSize(content)
      if (count > 0 && bytes > most) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  /** False when it was closed before. Never rejects. */
  async #save(batch: readonly Pending[]): Promise<boolean> {
    const size = batch.reduce((sum, { content }) => sum + frameSize(content), headerSize)
    while (!this.#closing.signal.aborted) {
      if (!this.#segments.hasRoom(size)) {
        await this.#noRoom(`max_bytes (${formatSize(this.#options.maxBytes)}) is reached`)
        continue
      }
      try {
        await this.#write(batch)
        this.#full(undefined)
        return true
      } catch (error) {
        if (isFull(error))
          await this.#noRoom(`there is no room for ${this.#options.folder}: ${sentence(error)}`)
        else await this.#broken(toError(error))
      }
    }
    return false
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const began = performance.now()
    this.#open ??= await this.#create(batch[0]!.seq)
    const { segment, file, isThere } = this.#open
    const bytes = framesOf(batch, segment, isThere ? Buffer.alloc(0) : headerBytes(segment.header))
    const at = segment.bytes
    await file.write(bytes, at)
    await file.datasync()
    if (!isThere) {
      await this.#files.syncFolder(this.#options.folder)
      this.#open.isThere = true
      this.#segments.add(segment)
    }
    this.#segments.grown(segment, at + bytes.length, batch.at(-1)!.seq)
    this.#report.synced(batch.length, (performance.now() - began) / 1000)
    if (segment.bytes >= this.#segmentSize) await this.#end()
  }

  async #create(first: number) {
    const header = newHeader(this.#number++, first, this.#options.key)
    const segment = new Segment(this.#options.folder, header, this.#options.key, 0)
    return { segment, file: await this.#files.create(segment.path), isThere: false }
  }

  /** The segment gets no other record; one that never lasted is removed. Never rejects. */
  async #end(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    if (!open) return
    const { segment, file, isThere } = open
    if (isThere) await file.truncate(segment.bytes).catch(() => {})
    await file.close().catch(() => {})
    if (isThere) await this.#segments.end(segment, this.#segments.synced + 1)
    else await this.#files.remove(segment.path).catch(() => {})
  }

  /** Waits for room. What is done with is removed, the segment that was being written included. */
  async #noRoom(reason: string): Promise<void> {
    this.#full(reason)
    const { changed } = this.#segments
    await this.#end()
    await this.#pause(changed)
  }

  async #broken(error: Error): Promise<void> {
    this.#report.failed(error)
    await this.#end()
    await this.#pause()
  }

  async #pause(...ends: readonly Promise<void>[]): Promise<void> {
    const over = new AbortController()
    await Promise.race([pause(patience, over.signal, this.#closing.signal), ...ends])
    over.abort()
  }

  #full(reason: string | undefined): void {
    const isFull = reason !== undefined
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#report.full(reason)
  }
}

function framesOf(batch: readonly Pending[], { marker, key }: Segment, header: Buffer): Buffer {
  const contents = batch.map(({ seq, content }) => (key ? key.encrypt(seq, content) : content))
  const size = contents.reduce((sum, content) => sum + frameSize(content), header.length)
  const bytes = Buffer.allocUnsafe(size)
  bytes.set(header)
  let at = header.length
  contents.forEach((content, i) => {
    writeFrame(bytes, at, marker, batch[i]!.seq, content, key !== undefined)
    at += frameSize(content)
  })
  return bytes
}
