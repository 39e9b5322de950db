import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { toError } from '../../core/errors.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { Ranges } from './ranges.ts'

/**
 * An entry: 6 bytes from · 6 to · 1 kind · 3 zero · 4 CRC-32. Kind 1: the records from … to are acknowledged. Kind 2: in run `from`
 * of the bridge the records up to `to` had been handed out.
 */
const entrySize = 20
const acknowledged = 1
const handedOut = 2

/** A file that is larger is replaced by one that holds what it comes to. */
const maxSize = 1024 * 1024

/** Milliseconds until it is written what was handed out, where nothing is acknowledged. */
const markAfter = 200

const nameOf = (number: number): string => `${String(number).padStart(10, '0')}.acks`
const numberOf = (name: string): number | undefined => {
  const [, number] = /^(\d{10,})\.acks$/.exec(name) ?? []
  return number === undefined ? undefined : Number(number)
}

/**
 * Which records are done with, in files of their own. All files together say it, in any order, and an entry is true for ever, so that
 * neither a file too many nor a torn one does harm; an entry that was lost makes a record come again, and no more.
 */
export class AckLog {
  readonly #files: FileSystem
  readonly #folder: string
  readonly #failed: (error: Error) => void
  readonly acked = new Ranges()
  /** The highest record that was handed out, by the number of the run. */
  readonly #runs = new Map<number, number>()
  #run = 1
  #number = 0
  #file: { readonly open: OpenFile; size: number } | undefined
  #pending = new Ranges()
  #waiting: (() => void)[] = []
  #flushing: Promise<void> | undefined
  /** Runs while what was handed out is not written. */
  #marking: NodeJS.Timeout | undefined

  private constructor(files: FileSystem, folder: string, failed: (error: Error) => void) {
    this.#files = files
    this.#folder = folder
    this.#failed = failed
  }

  /** Reads what is there. `failed` hears of acknowledgements that could not be made to last; they are tried again with the next. */
  static async open(files: FileSystem, folder: string, failed: (error: Error) => void): Promise<AckLog> {
    const log = new AckLog(files, folder, failed)
    for (const name of await files.list(folder)) {
      const number = numberOf(name)
      if (number === undefined) continue
      log.#number = Math.max(log.#number, number)
      await log.#read(join(folder, name))
    }
    log.#run = Math.max(0, ...log.#runs.keys()) + 1
    return log
  }

  /** No record that comes from now on may have this number, or one below it. */
  get highest(): number {
    return Math.max(this.acked.highest, ...this.#runs.values())
  }

  /** In how many earlier runs a record was handed out. */
  handings(seq: number): number {
    let count = 0
    for (const [run, upTo] of this.#runs) if (run !== this.#run && upTo >= seq) count++
    return count
  }

  /** The records up to this one have been handed out; lasts with the next acknowledgement, or soon. */
  handed(seq: number): void {
    const isFirst = !this.#runs.has(this.#run)
    this.#runs.set(this.#run, seq)
    if (isFirst) this.#flushing ??= this.#flush()
    else
      this.#marking ??= setTimeout(() => {
        this.#flushing ??= this.#flush()
      }, markAfter).unref()
  }

  /** Resolves once it lasts, or could not be made to. */
  acknowledge(from: number, to: number): Promise<void> {
    this.acked.add(from, to)
    this.#pending.add(from, to)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push(resolve)
    this.#flushing ??= this.#flush()
    return promise
  }

  /** These are not there any more, since they were done with. */
  assume(from: number, to: number): void {
    this.acked.add(from, to)
  }

  /** To be called when nothing more will be acknowledged. */
  async close(): Promise<void> {
    await this.#flushing
    if (this.#marking) await this.#flush()
    await this.#file?.open.close()
    this.#file = undefined
  }

  async #flush(): Promise<void> {
    // Those that come in this turn of the event loop go along.
    await Promise.resolve()
    do {
      const waiting = this.#waiting
      const pending = this.#pending
      this.#waiting = []
      this.#pending = new Ranges()
      clearTimeout(this.#marking)
      this.#marking = undefined
      await this.#write(pending).catch(() => this.#replace().catch(error => this.#failed(toError(error))))
      for (const resolve of waiting) resolve()
    } while (this.#waiting.length > 0)
    this.#flushing = undefined
  }

  /** Throws where it must go to another file: never is a file synced again that could not be synced once. */
  async #write(pending: Ranges): Promise<void> {
    if (!this.#file || this.#file.size > maxSize) return this.#replace()
    const { open, size } = this.#file
    const bytes = entries([...pending.all, ...this.#mark()])
    await open.write(bytes, size)
    await open.datasync()
    this.#file.size += bytes.length
  }

  #mark(): Entry[] {
    const handed = this.#runs.get(this.#run)
    return handed === undefined ? [] : [[this.#run, handed, handedOut]]
  }

  /** All that is known, in a new file; those before are removed once it lasts. */
  async #replace(): Promise<void> {
    const old = this.#file
    const last = this.#number
    this.#file = undefined
    await old?.open.close().catch(() => {})
    const path = join(this.#folder, nameOf(++this.#number))
    const open = await this.#files.create(path)
    try {
      const low = this.acked.firstMissing(1)
      const runs = [...this.#runs].filter(([run, upTo]) => run === this.#run || upTo >= low)
      const all = [...this.acked.all, ...runs.map(([run, upTo]): Entry => [run, upTo, handedOut])]
      const bytes = entries(all)
      await open.write(bytes, 0)
      await open.datasync()
      await this.#files.syncFolder(this.#folder)
      this.#file = { open, size: bytes.length }
    } catch (error) {
      await open.close().catch(() => {})
      await this.#files.remove(path).catch(() => {})
      throw error
    }
    for (const name of await this.#files.list(this.#folder)) {
      if ((numberOf(name) ?? Number.POSITIVE_INFINITY) <= last)
        await this.#files.remove(join(this.#folder, name))
    }
  }

  async #read(path: string): Promise<void> {
    const bytes = Buffer.alloc(await this.#files.size(path))
    const file = await this.#files.open(path)
    try {
      await file.read(bytes, 0)
    } finally {
      await file.close()
    }
    for (let at = 0; at + entrySize <= bytes.length; at += entrySize) {
      const entry = bytes.subarray(at, at + entrySize)
      if (entry.readUInt32BE(16) !== crc32(entry.subarray(0, 16))) continue
      const [from, to, kind] = [entry.readUIntBE(0, 6), entry.readUIntBE(6, 6), entry[12]]
      if (kind === acknowledged) this.acked.add(from, to)
      if (kind === handedOut) this.#runs.set(from, Math.max(to, this.#runs.get(from) ?? 0))
    }
  }
}

type Entry = readonly [from: number, to: number, kind?: number]

function entries(all: readonly Entry[]): Buffer {
  const bytes = Buffer.alloc(all.length * entrySize)
  all.forEach(([from, to, kind = acknowledged], i) => {
    const entry = bytes.subarray(i * entrySize, (i + 1) * entrySize)
    entry.writeUIntBE(from, 0, 6)
    entry.writeUIntBE(to, 6, 6)
    entry[12] = kind
    entry.writeUInt32BE(crc32(entry.subarray(0, 16)), 16)
  })
  return bytes
}
