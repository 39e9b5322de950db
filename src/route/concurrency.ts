import { Turns } from './turns.ts'

/** A target that throttles may ask to be left alone for so long (ms) at most: its word must not stop a route for a day. */
const longestRest = 5 * 60_000
/** A limit is lifted at the number that was in flight when it was set, and not below this one. */
const leastLifted = 10

/**
 * How many messages are being sent to one target at a time. There is no limit until the target throttles.
 *
 * Each throttling halves what may be in flight, down to one; the answers to what was in flight then are about the time
 * before and halve it no more. Successes raise it again, by one or a hundredth of what it was in each round, until it is
 * lifted (additive increase, multiplicative decrease, as TCP has it: RFC 5681). Those that wait for a place go on in the
 * order they came, and nobody passes them.
 */
export class Concurrency {
  readonly #report: (limit: number) => void
  readonly #turns = new Turns()
  #inFlight = 0
  #limit = Number.POSITIVE_INFINITY
  #liftedAt = 0
  /** Grows by one with each halving. */
  #epoch = 0
  #rest: NodeJS.Timeout | undefined

  /** `report` hears of each halving, and of Infinity when the limit is lifted. */
  constructor(report: (limit: number) => void) {
    this.#report = report
  }

  /** Infinity where there is none. */
  get limit(): number {
    return this.#limit === Number.POSITIVE_INFINITY ? this.#limit : Math.floor(this.#limit)
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** A place, if one can be had without waiting: the epoch, for `throttled`. Whoever has a place owes `leave`. */
  tryEnter(): number | undefined {
    if (this.#rest || this.#inFlight >= this.limit) return undefined
    this.#inFlight++
    return this.#epoch
  }

  /** A place at once or as soon as there is one; undefined when a signal was aborted first. */
  async enter(...signals: readonly AbortSignal[]): Promise<number | undefined> {
    const epoch = this.tryEnter()
    if (epoch !== undefined) return epoch
    if (!(await this.#turns.wait(signals))) return undefined
    if (!signals.some(s => s.aborted)) return this.#epoch
    this.leave()
    return undefined
  }

  leave(): void {
    this.#inFlight--
    if (this.#turns.waiting > 0) this.#admit()
  }

  succeeded(): void {
    if (this.#limit === Number.POSITIVE_INFINITY) return
    this.#limit += Math.max(1, this.#liftedAt / 100) / this.#limit
    if (this.#limit >= this.#liftedAt) {
      this.#limit = Number.POSITIVE_INFINITY
      this.#report(this.#limit)
    }
    this.#admit()
  }

  /**
   * A send that entered in this epoch was throttled. False when less at a time could be the answer; true when there was one
   * alone, so that the target does not take even that.
   */
  throttled(epoch: number, retryAfter = 0): boolean {
    if (retryAfter > 0) this.#restFor(Math.min(retryAfter, longestRest))
    if (epoch !== this.#epoch) return false
    if (this.limit === 1) return true
    if (this.#limit === Number.POSITIVE_INFINITY) this.#liftedAt = Math.max(this.#inFlight, leastLifted)
    this.#limit = Math.max(1, Math.floor(Math.min(this.limit, this.#inFlight) / 2))
    this.#epoch++
    this.#report(this.#limit)
    return false
  }

  /** Nobody enters for so long. */
  #restFor(milliseconds: number): void {
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#admit()
    }, milliseconds).unref()
  }

  /** Each that is called has its place already. */
  #admit(): void {
    while (!this.#rest && this.#inFlight < this.limit && this.#turns.next()) this.#inFlight++
  }
}
