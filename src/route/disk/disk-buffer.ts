import { dirname, join } from 'node:path'
import type { Report, RouteEvent } from '../../core/events.ts'
import type { Retry } from '../backoff.ts'
import type { BufferLimits } from '../buffer.ts'
import type { IntakeParts } from '../intake.ts'
import { reporter } from '../reporter.ts'
import { Feeder } from './feeder.ts'
import type { FileSystem } from './file-system.ts'
import { type TakeLock, takeLock } from './lock.ts'
import { realFiles } from './real-files.ts'
import { parseSegmentName } from './segment.ts'
import { type DiskOptions, Store } from './store.ts'

export interface DiskBufferParts {
  readonly route: string
  readonly disk: DiskOptions
  readonly source: IntakeParts
  /** Half of it is for what is on its way to the disk, half for what was read back. */
  readonly limits: BufferLimits
  readonly retry: Retry
  /** Other ones are for tests. */
  readonly files?: FileSystem
  readonly takeLock?: TakeLock
}

/**
 * A buffer on disk between a source and its route. A delivery of the source is settled once it is on the disk; the route has the buffer for its
 * source, which hands out what is there, in its order, until it is settled.
 */
export class DiskBuffer {
  readonly #parts: DiskBufferParts
  readonly #report: Report
  #store: Store | undefined
  #feeder: Feeder | undefined

  constructor(parts: DiskBufferParts, report: Report) {
    this.#parts = parts
    this.#report = report
  }

  /** What the route has for its source. */
  get source(): IntakeParts {
    const { connectionName, prefetch } = this.#parts.source
    return {
      connectionName,
      prefetch,
      open: async deliver => {
        if (!this.#store) throw new Error('the disk buffer is not open')
        return this.#store.read(deliver)
      },
    }
  }

  get limits(): BufferLimits {
    const { limits } = this.#parts
    const { maxMessages, maxBytes } = limits
    return {
      ...limits,
      maxMessages: Math.max(1, Math.floor(maxMessages / 2)),
      maxBytes: Math.max(1, Math.floor(maxBytes / 2)),
    }
  }

  /** Takes the folder and looks at what is there. Throws what the user must know before anything is started. */
  async open(): Promise<void> {
    const { route, disk, source, retry, files = realFiles, takeLock: take = takeLock } = this.#parts
    const say = this.#report
    const ofSource = reporter(route, say)
    const store = await Store.open(disk, files, take, {
      synced: (records, seconds) => say({ type: 'disk_synced', route, records, seconds }),
      full: reason => say({ type: 'disk_full', route, ...(reason !== undefined && { reason }) }),
      failed: error => say({ type: 'disk_failed', route, error }),
      damaged: (copies, records, about) => say({ type: 'disk_damaged', route, copies, records, about }),
    })
    this.#feeder = new Feeder(source, this.limits, retry, store.writer, {
      ...ofSource.ofSource(() => {}),
      settled: () => ofSource.settled('accepted'),
      unsettled: error => ofSource.lost(error),
    })
    this.#store = store
  }

  /** Names of folders beside this one, none of them `known`, that hold messages. */
  async strangers(known: ReadonlySet<string>): Promise<readonly string[]> {
    const { disk, files = realFiles } = this.#parts
    const path = dirname(disk.folder)
    const found: string[] = []
    for (const name of (await files.list(path)).filter(name => !known.has(name))) {
      // What is no folder has no names.
      const inside = await files.list(join(path, name)).catch(() => [])
      if (inside.some(file => parseSegmentName(file))) found.push(name)
    }
    return found
  }

  start(): void {
    this.#feeder?.start()
  }

  /** Takes no more from the source. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#feeder?.stop(deadline)
  }

  /** Gives the folder up. To be called when the route has stopped. */
  async close(): Promise<void> {
    const store = this.#store
    this.#store = undefined
    await store?.close()
  }

  /** A picture of this moment: the link to the broker, and what is on the disk. */
  status() {
    if (!this.#store || !this.#feeder) return undefined
    return { source: this.#feeder.status(), disk: this.#store.status() }
  }
}

/** What a route behind a disk buffer says. Of receiving and settling the buffer speaks, which is nearer to the broker. */
export const behindDisk =
  (report: Report): Report =>
  event => {
    if (event.type === 'received' || event.type === 'settled') return
    if (event.type === 'link_up' && event.link === 'source') return
    if (event.type === 'link_down' && event.link === 'source') return report(unreadable(event))
    report(event)
  }

const unreadable = ({ route, error }: Extract<RouteEvent, { type: 'link_down' }>): RouteEvent => ({
  type: 'disk_failed',
  route,
  error: error ?? new Error('the disk buffer was closed'),
})
