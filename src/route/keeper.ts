import type { Link, LinkContext, LinkEvent } from '../core/adapter.ts'
import { LinkLost, toError } from '../core/errors.ts'
import { aborted, backoff, pause, type Retry } from './backoff.ts'

export interface KeeperReport<L> {
  /** A link has opened. Called before anybody who waits in `up()` sees it. */
  up(link: L): void
  /** A link died, or an attempt to open one failed. */
  down(error: Error | undefined): void
  event(event: LinkEvent): void
}

/** Why a link is closed and no other opened for a while. */
interface Rest {
  readonly reason: Error
  readonly until: (signal: AbortSignal) => Promise<void>
}

/** A link that was up for so long (ms) has worked: after it, backing off begins anew. */
const settledIn = 10_000

/**
 * Opens a link and opens it again whenever it is lost, with full-jitter backoff, until stopped.
 *
 * States: *opening* (an attempt is under way) → *up* (`link` is set) when it opens, or *waiting* (for the next attempt)
 * when it fails; *up* → *waiting* when the link dies, or → *resting* by `rest()`, until what that was given resolves; any →
 * *stopped* by `stop()`, which nothing leads out of.
 */
export class Keeper<L extends Link> {
  readonly #open: (context: LinkContext) => Promise<L>
  readonly #retry: Retry
  readonly #report: KeeperReport<L>
  readonly #stopping = new AbortController()
  readonly #waiters = new Set<() => void>()
  #running: Promise<void> | undefined
  #link: L | undefined
  #lastError: Error | undefined
  #rest: Rest | undefined

  constructor(open: (context: LinkContext) => Promise<L>, retry: Retry, report: KeeperReport<L>) {
    this.#open = open
    this.#retry = retry
    this.#report = report
  }

  /** The link while it is up. */
  get link(): L | undefined {
    return this.#link
  }

  /** Why there is no link, where that is known. */
  get lastError(): Error | undefined {
    return this.#link ? undefined : this.#lastError
  }

  start(): void {
    this.#running ??= this.#run()
  }

  /** Resolves as soon as there is a link, or one of the signals is aborted. */
  async up(...signals: readonly AbortSignal[]): Promise<void> {
    if (this.#link) return
    const opened = new AbortController()
    const wake = () => opened.abort()
    this.#waiters.add(wake)
    await aborted(opened.signal, ...signals)
    this.#waiters.delete(wake)
  }

  /**
   * Closes the link, which gives back what is unsettled, for this reason, and opens another once `until` has resolved, which it has
   * to when its signal is aborted.
   */
  rest(reason: Error, until: (signal: AbortSignal) => Promise<void>): void {
    if (!this.#link || this.#rest) return
    this.#rest = { reason, until }
    void this.#link.close()
  }

  /** Closes the link, which gives back what is unsettled, and opens no other. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopping'))
    await this.#link?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    for (let attempt = 1; !signal.aborted; attempt++) {
      const opened = performance.now()
      const ended = await this.#once(signal)
      if (signal.aborted) return
      const rest = this.#rest
      this.#rest = undefined
      const error = rest?.reason ?? ended
      this.#lastError = error
      this.#report.down(error)
      if (performance.now() - opened > settledIn) attempt = 1
      if (rest) await rest.until(signal)
      else await pause(Math.max(backoff(attempt, this.#retry), retryAfter(error)), signal)
    }
  }

  /** One link from opening to its end; returns what ended it. */
  async #once(signal: AbortSignal): Promise<Error | undefined> {
    try {
      const link = await this.#open({ signal, report: event => this.#report.event(event) })
      if (signal.aborted) {
        await link.close()
        return undefined
      }
      this.#link = link
      this.#report.up(link)
      for (const wake of [...this.#waiters]) wake()
      return await link.closed
    } catch (thrown) {
      return toError(thrown)
    } finally {
      this.#link = undefined
    }
  }
}

/** What a link asks for by `LinkLost.retryAfter`, on the error or on one of its causes. */
function retryAfter(error: unknown): number {
  if (!(error instanceof Error)) return 0
  return error instanceof LinkLost && error.retryAfter !== undefined
    ? error.retryAfter
    : retryAfter(error.cause)
}
