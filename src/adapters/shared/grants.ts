import type { Deliver } from '../../core/adapter.ts'
import type { Delivery } from '../../core/delivery.ts'

/**
 * For sources whose protocol has a window (prefetch) in place of credit: holds what came over the wire until the
 * route has granted it, in order. The window bounds what is held.
 */
export class Grants {
  readonly #deliver: Deliver
  readonly #held: { readonly delivery: Delivery; readonly since: number }[] = []
  #messages = 0
  #bytes = 0

  constructor(deliver: Deliver) {
    this.#deliver = deliver
  }

  /** What came and was not granted yet; nobody has seen it, so closing simply gives it back. */
  get held(): number {
    return this.#held.length
  }

  grant(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
    while (this.#held.length > 0 && this.#open) {
      const { delivery, since } = this.#held.shift()!
      this.#hand({ ...delivery, heldSince: since })
    }
  }

  /** Hands the delivery over if it was granted, else holds it. */
  offer(delivery: Delivery): void {
    if (this.#held.length === 0 && this.#open) this.#hand(delivery)
    else this.#held.push({ delivery, since: performance.now() })
  }

  /** Forgets what is held. */
  clear(): void {
    this.#held.length = 0
  }

  /** A message larger than all the bytes that are left still passes, else it could never. */
  get #open(): boolean {
    return this.#messages > 0 && this.#bytes > 0
  }

  #hand(delivery: Delivery): void {
    this.#messages--
    this.#bytes -= delivery.size
    this.#deliver(delivery)
  }
}
