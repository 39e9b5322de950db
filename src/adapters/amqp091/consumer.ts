import type { Channel, ConsumeMessage } from 'amqplib'
import { within } from '../shared/within.ts'

export interface ConsumerOptions {
  readonly queue: string
  readonly exclusive: boolean
  readonly priority?: number | undefined
  /** Consumer tags begin with it, so that people recognise the route in RabbitMQ's management page. */
  readonly name: string
  /** Milliseconds for each step. */
  readonly limit: number
}

/**
 * Consumes one queue on one channel. A consumer keeps the basic.qos that held when it began, so another one means to
 * cancel and to consume again. What is out stays out, and tags go on rising.
 */
export class Consumer {
  readonly #channel: Channel
  readonly #options: ConsumerOptions
  readonly #onMessage: (message: ConsumeMessage | null) => void
  #tag: string | undefined
  #begun = 0
  #roundTrip = 0

  /** `onMessage` gets null when the broker cancels the consumer. */
  constructor(
    channel: Channel,
    options: ConsumerOptions,
    onMessage: (message: ConsumeMessage | null) => void,
  ) {
    this.#channel = channel
    this.#options = options
    this.#onMessage = onMessage
  }

  /** How long (ms) the broker took for its last answer to a question that costs it nothing. */
  get roundTrip(): number {
    return this.#roundTrip
  }

  /** Replaces the consumer by one with this basic.qos. `onCancelled` is called when nothing more comes from the last. */
  async consume(qos: number, onCancelled: () => void): Promise<void> {
    const { queue, exclusive, priority, limit } = this.#options
    await this.cancel()
    onCancelled()
    const asked = performance.now()
    await within(limit, `setting the prefetch of queue ${queue}`, this.#channel.prefetch(qos))
    this.#roundTrip = performance.now() - asked
    // Another tag each time: RabbitMQ would count what the last consumer has out for its namesake. And rising ones,
    // since it takes back what is unsettled consumer by consumer, in the alphabetical order of their tags.
    const tag = `${this.#options.name}-${String(++this.#begun).padStart(5, '0')}`
    const options = { consumerTag: tag, exclusive, ...(priority !== undefined && { priority }) }
    this.#tag = tag
    await within(limit, `consuming queue ${queue}`, this.#channel.consume(queue, this.#onMessage, options))
  }

  /** Resolves when nothing more comes. */
  async cancel(): Promise<void> {
    const tag = this.#tag
    if (tag === undefined) return
    const { queue, limit } = this.#options
    await within(limit, `cancelling the consumer of queue ${queue}`, this.#channel.cancel(tag))
    this.#tag = undefined
  }
}
