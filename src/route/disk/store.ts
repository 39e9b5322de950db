import type { Deliver, Source } from '../../core/adapter.ts'
import { AckLog } from './ack-log.ts'
import { Cursor } from './cursor.ts'
import type { DiskKey } from './encryption.ts'
import type { FileSystem } from './file-system.ts'
import type { Lock, TakeLock } from './lock.ts'
import { Reader } from './reader.ts'
import { recover } from './recovery.ts'
import { Segments } from './segments.ts'
import { Writer, type WriterReport } from './writer.ts'

/** Written `buffer.disk` of a route. */
export interface DiskOptions {
  /** Of this route alone. */
  readonly folder: string
  readonly maxBytes: number
  readonly key: DiskKey | undefined
}

export type DiskStatus = ReturnType<Store['status']>

export interface StoreReport extends WriterReport {
  /** Records could not be read; what is left of them was set aside under these names in the folder. */
  damaged(copies: string, records: number, about: string): void
}

/** One folder of records, locked for this process. */
export class Store {
  readonly writer: Writer
  readonly #files: FileSystem
  readonly #report: StoreReport
  readonly #lock: Lock
  readonly #acks: AckLog
  readonly #segments: Segments
  #reader: Reader | undefined

  private constructor(
    files: FileSystem,
    report: StoreReport,
    lock: Lock,
    acks: AckLog,
    segments: Segments,
    writer: Writer,
  ) {
    this.#files = files
    this.#report = report
    this.#lock = lock
    this.#acks = acks
    this.#segments = segments
    this.writer = writer
  }

  /** Throws where another process has the folder, where the key is another one, or where the disk cannot be used. */
  static async open(
    { folder, maxBytes, key }: DiskOptions,
    files: FileSystem,
    takeLock: TakeLock,
    report: StoreReport,
  ): Promise<Store> {
    await files.makeFolder(folder)
    const lock = takeLock(folder)
    try {
      const failed = (cause: Error) =>
        report.failed(
          new Error(`writing acknowledgements into ${folder}; after a crash these come twice`, { cause }),
        )
      const acks = await AckLog.open(files, folder, failed)
      const damaged = (copy: string, about: string) => report.damaged(copy, 1, about)
      const { segments: found, number, next } = await recover({ files, folder, key, acks, damaged })
      const segments = new Segments(files, folder, maxBytes, acks, found, next - 1)
      return new Store(
        files,
        report,
        lock,
        acks,
        segments,
        new Writer(files, segments, { folder, maxBytes, key, number, next }, report),
      )
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /** A source of what is here, oldest first. One at a time. */
  read(deliver: Deliver): Source {
    const cursor = new Cursor(this.#files, this.#segments, this.#acks, {
      damaged: (copies, records, { path }) => this.#report.damaged(copies, records, `in ${path}`),
      failed: this.#report.failed,
    })
    this.#reader = new Reader(cursor, this.#segments, this.#acks, deliver)
    return this.#reader
  }

  status() {
    const { records, bytes, all } = this.#segments
    const oldest = this.#reader?.oldest ?? all[0]?.header.createdAt
    return {
      records,
      bytes,
      isFull: this.writer.isFull,
      oldestSeconds: records === 0 || !oldest ? 0 : Math.max(0, (Date.now() - oldest) / 1000),
    }
  }

  async close(): Promise<void> {
    await this.#reader?.close()
    await this.writer.close()
    await this.#acks.close()
    this.#lock.release()
  }
}
