import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'

/** One delivery of a receiving link; each can be lost alone, because the broker may take a single one back. */
export class AmqpDelivery implements Delivery {
  readonly message: Message
  readonly size: number
  readonly id?: string
  readonly deliveryCount?: number
  readonly #settle: (outcome: Outcome) => void
  #state: 'owed' | 'settled' | 'lost' = 'owed'
  #lost: AbortController | undefined

  constructor(
    message: Message,
    size: number,
    deliveryCount: number | undefined,
    settle: (outcome: Outcome) => void,
  ) {
    this.message = message
    this.size = size
    this.#settle = settle
    if (deliveryCount !== undefined) this.deliveryCount = deliveryCount
    const { messageId } = message.properties
    // The prefix by which JMS tells the ids that its provider assigned from those of applications.
    if (messageId?.type === 'string' && messageId.value.startsWith('ID:')) this.id = messageId.value
  }

  /** Made when somebody asks: most deliveries end before anybody does. */
  get lost(): AbortSignal {
    this.#lost ??= new AbortController()
    if (this.#state === 'lost') this.#lost.abort()
    return this.#lost.signal
  }

  async settle(outcome: Outcome): Promise<void> {
    if (this.#state === 'lost') throw new LinkLost('the broker has this message again')
    if (this.#state === 'settled') throw new Error('a delivery is settled once')
    this.#state = 'settled'
    this.#settle(outcome)
  }

  lose(): void {
    if (this.#state !== 'owed') return
    this.#state = 'lost'
    this.#lost?.abort()
  }
}
