import type { ReceiverInside } from './incoming.ts'

/**
 * Turns what the route grants into link credit. Never more than `prefetch` unsettled and on their way together, and
 * never more than was granted. Credit is counted in messages only, so bytes are turned into messages by the size of
 * those that came; one may always come while any byte is left.
 */
export class Credit {
  readonly #receiver: ReceiverInside
  readonly #prefetch: number
  #messages = 0
  #bytes = 0
  #averageSize = 0

  constructor(receiver: ReceiverInside, prefetch: number) {
    this.#receiver = receiver
    this.#prefetch = prefetch
  }

  grant(messages: number, bytes: number, unsettled: number): void {
    this.#messages += messages
    this.#bytes += bytes
    this.topUp(unsettled)
  }

  /** A message came. */
  spend(size: number, unsettled: number): void {
    this.#messages--
    this.#bytes -= size
    this.#averageSize += (size - this.#averageSize) / (this.#averageSize === 0 ? 1 : 16)
    this.topUp(unsettled)
  }

  /** Resolves when the broker knows that it has no credit any more. */
  async stop(drains: boolean): Promise<void> {
    const receiver = this.#receiver
    this.#messages = 0
    if (receiver.credit === 0) return
    const answered = new Promise<void>(resolve => {
      // In place of rhea's own, which complains on the console when a broker answers with credit.
      receiver.on_flow = ({ performative }) => {
        receiver.credit = 0
        receiver.delivery_count = performative.delivery_count ?? receiver.delivery_count
        resolve()
      }
    })
    receiver.drain = drains
    if (!drains) receiver.credit = 0
    receiver.issue_flow = true
    receiver.connection._register()
    await answered
    receiver.drain = false
  }

  /** Tells the broker once a quarter has been used up, so that most messages cost no flow frame. */
  topUp(unsettled: number): void {
    const byBytes = this.#bytes <= 0 ? 0 : Math.ceil(this.#bytes / Math.max(1, this.#averageSize))
    const wanted = Math.min(this.#messages, this.#prefetch - unsettled, byBytes)
    const missing = wanted - this.#receiver.credit
    if (missing > 0 && missing >= wanted / 4) this.#receiver.add_credit(missing)
  }
}
