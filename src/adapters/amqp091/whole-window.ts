import { toError } from '../../core/errors.ts'
import type { Consumer } from './consumer.ts'
import type { SourceOptions } from './options.ts'

/** Is it meant to give messages in their order? */
export const isOrdered = ({ exclusive, single_active_consumer }: SourceOptions): boolean =>
  exclusive || single_active_consumer

export const noOrder =
  'another consumer of the queue could overtake this one: write exclusive: true or, for a queue that was declared ' +
  'with x-single-active-consumer (a quorum queue has to be), single_active_consumer: true'

/** How what is granted reaches the broker, and how the consumption ends. */
export interface Consumption {
  grant(messages: number): void
  received(): void
  settled(): void
  /** Ends the consumption; resolves when nothing more is handed over. What is out stays out. Rejects like the channel. */
  stop(): Promise<void>
  /** The link is gone: nothing is to be done any more. */
  forget(): void
}

/**
 * One consumer from the first grant to the end of the channel, with the whole prefetch as its basic.qos. The broker
 * takes back in order what one consumer held, but not what several of one channel held, and not what was on its way to
 * one that is cancelled (quorum queues of RabbitMQ 4.0). So nothing is replaced and nothing is cancelled: what comes
 * and is not granted waits here, and the end of the channel gives it back.
 */
export class WholeWindow implements Consumption {
  readonly #consumer: Consumer
  readonly #prefetch: number
  readonly #onFailure: (error: Error) => void
  #hasBegun = false

  constructor(consumer: Consumer, prefetch: number, onFailure: (error: Error) => void) {
    this.#consumer = consumer
    this.#prefetch = prefetch
    this.#onFailure = onFailure
  }

  grant(): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    this.#consumer.consume(this.#prefetch, () => {}).catch(error => this.#onFailure(toError(error)))
  }

  received(): void {}

  settled(): void {}

  async stop(): Promise<void> {}

  forget(): void {}
}
