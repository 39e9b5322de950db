import { sentence } from '../core/errors.ts'
import { aborted } from './backoff.ts'

/** Written `dead_letter_pause: { share, of_last, at_least }`. */
export interface FloodOptions {
  /** Share of dead letters among the last messages that holds the route, above 0 and at most 1. */
  readonly share: number
  /** Messages that the share is taken of; of all, while there were fewer. */
  readonly ofLast: number
  /** Dead letters among them before it holds. */
  readonly atLeast: number
}

/**
 * Notices that a route dead-letters what comes, as a wrong mapping at night makes it, and holds the route then.
 *
 * States: *open*, dead letters are counted among the last messages → *held* by one too many, `reason` says why and every other
 * dead letter waits, with its delivery unsettled → *open* by `resume()`, with nothing counted.
 */
export class Flood {
  readonly #options: FloodOptions
  readonly #report: (reason: string | undefined) => void
  /** 1 for each dead letter among the last messages, 0 for each other. */
  readonly #last: Uint8Array
  #next = 0
  #seen = 0
  #dead = 0
  #reason: string | undefined
  #resumed = new AbortController()

  /** `report` hears of each change, with the reason while it holds. */
  constructor(options: FloodOptions, report: (reason: string | undefined) => void) {
    this.#options = options
    this.#report = report
    this.#last = new Uint8Array(options.ofLast)
  }

  /** Why the route is held; undefined while it is not. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** A message has come to its end without a dead letter. */
  passed(): void {
    this.#count(0)
  }

  /** A dead letter may be stored, once the route is not held; false when a signal was aborted first. `waits` is called if it has to wait. */
  async admit(error: Error, waits: () => void, ...signals: readonly AbortSignal[]): Promise<boolean> {
    while (this.#reason !== undefined) {
      waits()
      await aborted(this.#resumed.signal, ...signals)
      if (signals.some(s => s.aborted)) return false
    }
    this.#count(1)
    const { share, atLeast } = this.#options
    if (this.#dead >= atLeast && this.#dead >= share * this.#seen) this.#hold(error)
    return true
  }

  /** Resolves once it does not hold, or when the signal is aborted. */
  async over(signal: AbortSignal): Promise<void> {
    while (this.#reason !== undefined && !signal.aborted) await aborted(this.#resumed.signal, signal)
  }

  /** False when it was not held. */
  resume(): boolean {
    if (this.#reason === undefined) return false
    this.#reason = undefined
    this.#last.fill(0)
    this.#next = this.#seen = this.#dead = 0
    this.#report(undefined)
    this.#resumed.abort()
    this.#resumed = new AbortController()
    return true
  }

  #hold(error: Error): void {
    this.#reason = `${this.#dead} of the last ${this.#seen} messages became dead letters, the last one because: ${sentence(error)}`
    this.#report(this.#reason)
  }

  #count(dead: 0 | 1): void {
    this.#dead += dead - this.#last[this.#next]!
    this.#last[this.#next] = dead
    this.#next = (this.#next + 1) % this.#last.length
    if (this.#seen < this.#last.length) this.#seen++
  }
}
