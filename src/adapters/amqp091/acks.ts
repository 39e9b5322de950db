import type { Channel, ConsumeMessage } from 'amqplib'

/**
 * The unsettled deliveries of one channel, by delivery tag, and their acknowledgement. What was settled is told to the
 * broker at the end of a turn of the event loop, accepted ones together.
 *
 * basic.ack with `multiple` covers every unsettled tag up to its own. It is sent only for a tag below which nothing is
 * unsettled but what was accepted too: tags come in rising order on a channel, so those up to the oldest delivery that
 * is still open are all known here.
 */
export class Acks {
  readonly #channel: Channel
  /** Unsettled and not accepted, in the order of their tags. */
  readonly #open = new Set<number>()
  /** Accepted and not acknowledged yet. */
  readonly #accepted: number[] = []
  /** Rejected, and the broker does not know yet. */
  readonly #rejected: number[] = []
  #flushing: PromiseWithResolvers<void> | undefined
  #isHeld = false
  #lastTag = 0
  #firstTag = 0
  #out = 0
  #lastActive = 0

  constructor(channel: Channel) {
    this.#channel = channel
  }

  /** Deliveries that nobody has settled. */
  get unsettled(): number {
    return this.#open.size
  }

  /** Deliveries of the present consumer that the broker has no acknowledgement of. */
  get out(): number {
    return this.#out
  }

  /** When (performance.now) a delivery came, or an acknowledgement went, last. */
  get lastActive(): number {
    return this.#lastActive
  }

  /** What comes from now on is another consumer's. */
  nextConsumer(): void {
    this.#firstTag = this.#lastTag + 1
    this.#out = 0
  }

  received(tag: number): void {
    this.#open.add(tag)
    this.#lastTag = tag
    this.#out++
    this.#lastActive = performance.now()
  }

  /** Resolves when the acknowledgement is on its way to the broker. Rejects when the channel is closed. */
  accept(tag: number): Promise<void> {
    if (this.#open.delete(tag)) this.#accepted.push(tag)
    return this.#flushSoon()
  }

  /** basic.nack without requeue: the queue's dead letter exchange, where it has one. Resolves like `accept`. */
  reject(tag: number): Promise<void> {
    if (this.#open.delete(tag)) this.#rejected.push(tag)
    return this.#flushSoon()
  }

  /** Sends no acknowledgements until `release`. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.flush()
  }

  /** Sends what there is to acknowledge, held or not. */
  flush(): void {
    const flushing = this.#flushing
    this.#flushing = undefined
    try {
      this.#nack(this.#rejected.splice(0))
      this.#acknowledge(this.#accepted.splice(0))
      flushing?.resolve()
    } catch (error) {
      flushing?.reject(error)
    }
  }

  #flushSoon(): Promise<void> {
    if (!this.#flushing) {
      this.#flushing = Promise.withResolvers()
      if (!this.#isHeld) setImmediate(() => this.#isHeld || this.flush())
    }
    return this.#flushing.promise
  }

  /** Before the acknowledgements, one of which may cover all tags up to its own. */
  #nack(rejected: readonly number[]): void {
    for (const tag of rejected) {
      this.#channel.nack(delivery(tag), false, false)
      this.#gone(tag)
    }
  }

  #acknowledge(accepted: readonly number[]): void {
    const [oldestOpen = Number.POSITIVE_INFINITY] = this.#open
    const together = accepted.filter(tag => tag < oldestOpen)
    const alone = accepted.filter(tag => tag > oldestOpen)
    if (together.length > 0) this.#channel.ack(delivery(Math.max(...together)), together.length > 1)
    for (const tag of alone) this.#channel.ack(delivery(tag))
    for (const tag of accepted) this.#gone(tag)
  }

  #gone(tag: number): void {
    this.#lastActive = performance.now()
    if (tag >= this.#firstTag) this.#out--
  }
}

/** amqplib reads nothing but the tag. */
const delivery = (deliveryTag: number) => ({ fields: { deliveryTag } }) as ConsumeMessage
