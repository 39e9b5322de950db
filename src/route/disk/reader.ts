import type { Deliver, Source } from '../../core/adapter.ts'
import { LinkLost, toError } from '../../core/errors.ts'
import type { AckLog } from './ack-log.ts'
import type { Cursor, ReadBack } from './cursor.ts'
import type { Segments } from './segments.ts'

/**
 * A source that hands out what is in the buffer, in its order, as far as it was granted. Accepting a delivery acknowledges its record;
 * one that is not settled comes again from the next reader, which counts as another delivery of it.
 */
export class Reader implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #cursor: Cursor
  readonly #segments: Segments
  readonly #acks: AckLog
  readonly #deliver: Deliver
  readonly #end = Promise.withResolvers<Error | undefined>()
  readonly #lost = new AbortController()
  readonly #stopped = Promise.withResolvers<void>()
  /** When those that are out and not settled were received, oldest first (ms since 1970). */
  readonly #out = new Map<number, number>()
  #isStopped = false
  #messages = 0
  #bytes = 0
  #running: Promise<void> | undefined

  constructor(cursor: Cursor, segments: Segments, acks: AckLog, deliver: Deliver) {
    this.closed = this.#end.promise
    this.#cursor = cursor
    this.#segments = segments
    this.#acks = acks
    this.#deliver = deliver
  }

  /** Milliseconds since 1970. */
  get oldest(): number | undefined {
    const [oldest] = this.#out.values()
    return oldest
  }

  grant(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#stopped.resolve()
    await this.#running
  }

  async close(): Promise<void> {
    await this.stop()
    this.#lost.abort(new LinkLost('the disk buffer was closed'))
    await this.#cursor.close().catch(() => {})
    this.#end.resolve(undefined)
  }

  async #run(): Promise<void> {
    await Promise.resolve()
    try {
      while (this.#messages > 0 && this.#bytes > 0 && !this.#isStopped) {
        const { changed } = this.#segments
        const read = await this.#cursor.next()
        if (!read) await Promise.race([changed, this.#stopped.promise])
        else if (!this.#isStopped) this.#hand(read)
      }
    } catch (error) {
      this.#isStopped = true
      this.#lost.abort(new LinkLost('the disk buffer could not be read', { cause: error }))
      await this.#cursor.close().catch(() => {})
      this.#end.resolve(toError(error))
    } finally {
      this.#running = undefined
    }
  }

  #hand({ seq, kept }: ReadBack): void {
    const { message, id, name, fault, size, receivedAt } = kept
    const handings = this.#acks.handings(seq)
    const isCounted = kept.deliveryCount !== undefined || handings > 0
    this.#messages--
    this.#bytes -= size
    this.#out.set(seq, receivedAt)
    this.#acks.handed(seq)
    this.#deliver({
      message,
      id,
      size,
      heldSince: performance.now() - Math.max(0, Date.now() - receivedAt),
      ...(name !== undefined && { name }),
      ...(fault && { fault }),
      ...(isCounted && { deliveryCount: (kept.deliveryCount ?? 0) + handings }),
      lost: this.#lost.signal,
      settle: () => this.#settle(seq),
    })
  }

  async #settle(seq: number): Promise<void> {
    if (this.#lost.signal.aborted)
      throw new LinkLost('the disk buffer was closed', { cause: this.#lost.signal.reason })
    this.#out.delete(seq)
    await this.#segments.acknowledge(seq, seq)
  }
}
