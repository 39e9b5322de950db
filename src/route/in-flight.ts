import type { Received } from './buffer.ts'

/** Deliveries that are being mapped or sent at a time; the others wait in the buffer, not encoded. */
const most = 1_000

/** The deliveries of a route that were taken from the buffer and are not finished. */
export class InFlight {
  /** Those that cannot be finished for now through no fault of those behind them, which may therefore go on. */
  readonly #waiting = new Set<Received>()
  #all = 0

  get isEmpty(): boolean {
    return this.#all === 0
  }

  get hasRoom(): boolean {
    return this.#all - this.#waiting.size < most
  }

  begin(): void {
    this.#all++
  }

  /** False when that was known of this delivery. */
  waits(received: Received): boolean {
    if (this.#waiting.has(received)) return false
    this.#waiting.add(received)
    return true
  }

  end(received: Received): void {
    this.#all--
    this.#waiting.delete(received)
  }
}
