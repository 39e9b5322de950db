import { Turns } from './turns.ts'

/** What may be sent at once after a rest, as a part of a second's worth. */
const burst = 1 / 20

/**
 * How often one target of a route is sent to (written `max_rate:`): a token bucket. It fills at the rate, up to a twentieth of
 * a second's worth; each try to send takes a token, in the order of asking.
 */
export class Rate {
  readonly #perSecond: number
  readonly #most: number
  readonly #room: () => void
  readonly #turns = new Turns()
  #tokens: number
  #filledAt = performance.now()
  #timer: NodeJS.Timeout | undefined

  /** `room` is called when there is a token again and nobody waits for it. */
  constructor(perSecond: number, room: () => void) {
    this.#perSecond = perSecond
    this.#most = Math.max(1, perSecond * burst)
    this.#tokens = this.#most
    this.#room = room
  }

  /** Is there a token that nobody waits for? If not, `room` will be called. */
  hasRoom(): boolean {
    if (this.#turns.waiting === 0 && this.#filled() >= 1) return true
    this.#arm()
    return false
  }

  /** A token, at once or as soon as there is one; false when a signal was aborted first. */
  async take(...signals: readonly AbortSignal[]): Promise<boolean> {
    if (this.#turns.waiting === 0 && this.#filled() >= 1) {
      this.#tokens--
      return true
    }
    this.#arm()
    return this.#turns.wait(signals)
  }

  #filled(): number {
    const now = performance.now()
    this.#tokens = Math.min(this.#most, this.#tokens + ((now - this.#filledAt) / 1000) * this.#perSecond)
    this.#filledAt = now
    return this.#tokens
  }

  #arm(): void {
    const wait = Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1000)
    this.#timer ??= setTimeout(() => this.#next(), Math.min(Math.max(1, wait), 2 ** 31 - 1)).unref()
  }

  #next(): void {
    this.#timer = undefined
    this.#filled()
    while (this.#tokens >= 1 && this.#turns.next()) this.#tokens--
    if (this.#turns.waiting > 0) this.#arm()
    else if (this.#tokens >= 1) this.#room()
    else this.#arm()
  }
}
