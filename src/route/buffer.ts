import type { Delivery } from '../core/delivery.ts'
import type { Credit } from './credit.ts'
import { isExpired } from './expiry.ts'
import type { Pressure } from './pressure.ts'

export interface BufferLimits {
  readonly maxMessages: number
  readonly maxBytes: number
  /** Makes it smaller while memory is short; absent: nothing does. */
  readonly pressure?: Pick<Pressure, 'scale' | 'join'> | undefined
}

/** A delivery with what the route knows of its receipt. */
export interface Received {
  readonly delivery: Delivery
  /** The credit of the link that it came on. */
  readonly credit: Credit
  /** Milliseconds, monotonic. */
  readonly at: number
}

/**
 * The deliveries that this route has and has not finished: those waiting to be taken and those in flight. It does not
 * turn anything away: credit keeps it within its limits (credit.ts), which is why every delivery that leaves must be
 * reported by `finished`.
 */
export class Buffer {
  readonly #limits: BufferLimits
  /** Oldest first. */
  readonly #unfinished = new Set<Received>()
  readonly #waiting: Received[] = []
  #head = 0
  #bytes = 0
  #taker: ((received: Received | undefined) => void) | undefined
  #closed = false

  constructor(limits: BufferLimits) {
    this.#limits = limits
  }

  /** What it may hold now: one message at least. */
  get limits(): BufferLimits {
    const { maxMessages, maxBytes, pressure } = this.#limits
    const scale = pressure?.scale ?? 1
    if (scale === 1) return this.#limits
    return {
      maxMessages: Math.max(1, Math.floor(maxMessages * scale)),
      maxBytes: Math.max(1, Math.floor(maxBytes * scale)),
    }
  }

  get messages(): number {
    return this.#unfinished.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Milliseconds since the oldest unfinished delivery was received; 0 when there is none. */
  get oldestAge(): number {
    const [oldest] = this.#unfinished.values()
    return oldest === undefined ? 0 : performance.now() - oldest.at
  }

  /** The same of those that came on the link of this credit. */
  oldestAgeOf(credit: Credit | undefined): number {
    for (const received of this.#unfinished)
      if (received.credit === credit) return performance.now() - received.at
    return 0
  }

  put(received: Received): void {
    this.#unfinished.add(received)
    this.#bytes += received.delivery.size
    if (this.#taker) {
      const taker = this.#taker
      this.#taker = undefined
      taker(received)
    } else this.#waiting.push(received)
  }

  /** The next delivery in order of receipt; waits for one. Undefined once closed and empty. One taker at a time. */
  take(): Received | undefined | Promise<Received | undefined> {
    const next = this.#waiting[this.#head]
    if (next) {
      this.#head++
      if (this.#head > 1024 || this.#head === this.#waiting.length) {
        this.#waiting.splice(0, this.#head)
        this.#head = 0
      }
      return next
    }
    if (this.#closed) return undefined
    return new Promise(resolve => {
      this.#taker = resolve
    })
  }

  finished(received: Received): void {
    if (this.#unfinished.delete(received)) this.#bytes -= received.delivery.size
  }

  /** Takes out those that wait and are lost: their broker has them again. */
  removeLost(): readonly Received[] {
    return this.#takeOut(({ delivery }) => delivery.lost.aborted)
  }

  /** As `take`, those that wait and whose time is over. */
  takeExpired(): readonly Received[] {
    return this.#takeOut(({ delivery }) => isExpired(delivery.message))
  }

  #takeOut(isOut: (received: Received) => boolean): readonly Received[] {
    const waiting = this.#waiting.splice(0).slice(this.#head)
    this.#head = 0
    const out: Received[] = []
    for (const received of waiting) (isOut(received) ? out : this.#waiting).push(received)
    return out
  }

  /** No more deliveries will come: `take` ends when what is here has been taken. */
  close(): void {
    this.#closed = true
    if (this.#waiting.length === this.#head) this.#taker?.(undefined)
  }
}
