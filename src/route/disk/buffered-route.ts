import { join } from 'node:path'
import type { Report } from '../../core/events.ts'
import { keyBytes } from '../../core/key-bytes.ts'
import type { RouteParts } from '../parts.ts'
import { Route } from '../route.ts'
import { behindDisk, DiskBuffer } from './disk-buffer.ts'
import { DiskKey } from './encryption.ts'
import type { DiskStatus } from './store.ts'

export type RouteStatus = ReturnType<Route['status']> & { readonly disk?: DiskStatus }

/** A route whose messages are on disk between its source and its targets. */
export class BufferedRoute {
  readonly name: string
  readonly #disk: DiskBuffer
  readonly #path: string
  readonly #report: Report
  readonly #route: Route

  /** `path` is the folder in which routes have theirs; `key` is as `keyBytes` reads it. */
  constructor(parts: RouteParts, path: string, maxBytes: number, key: string | undefined, report: Report) {
    const { name, source, buffer, retry } = parts
    const bytes = key === undefined ? undefined : keyBytes(key)
    if (key !== undefined && !bytes) throw new Error(`the key of the disk buffer of ${name} is not 32 bytes`)
    const disk = { folder: join(path, name), maxBytes, key: bytes && new DiskKey(bytes) }
    this.name = name
    this.#path = path
    this.#report = report
    this.#disk = new DiskBuffer({ route: name, disk, source, limits: buffer, retry }, report)
    const { limits } = this.#disk
    this.#route = new Route({ ...parts, source: this.#disk.source, buffer: limits }, behindDisk(report))
  }

  /**
   * To be called before it is started. Throws where the folder cannot be used: another process has it, its key is another one. Says
   * which folders beside it hold messages of a route that is not `known`, and adds its name, so that this is said once.
   */
  async open(known: Set<string>): Promise<void> {
    await this.#disk.open()
    for (const other of await this.#disk.strangers(known)) {
      known.add(other)
      const text =
        `the folder ${join(this.#path, other)} holds messages on disk, and no route of this bridge is named ${other}: ` +
        'they are carried when there is one again'
      this.#report({ type: 'notice', route: this.name, link: 'disk', text })
    }
  }

  start(): void {
    this.#disk.start()
    this.#route.start()
  }

  /** As `Route.stop`. What is on the disk stays there. */
  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all([this.#disk.stop(deadline), this.#route.stop(deadline)])
    await this.#disk.close()
  }

  resume(): boolean {
    return this.#route.resume()
  }

  /** As `Route.status`, where the source is that of the buffer, with what is on the disk. */
  status(): RouteStatus {
    const route = this.#route.status()
    const buffer = this.#disk.status()
    if (!buffer) return route
    const oldestUnsettledSeconds = Math.max(route.oldestUnsettledSeconds, buffer.disk.oldestSeconds)
    return { ...route, ...buffer, oldestUnsettledSeconds }
  }
}
