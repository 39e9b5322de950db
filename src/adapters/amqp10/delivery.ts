import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost, type MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'

/** A transfer as its source has read it. */
export interface Read {
  readonly message: Message
  readonly size: number
  readonly deliveryCount: number | undefined
  /** The message id as the broker has it. */
  readonly assignedId: Value | undefined
  readonly fault: MessageRefused | undefined
}

/** One delivery of a receiving link; each can be lost alone, because the broker may take a single one back. */
export class AmqpDelivery implements Delivery {
  readonly message: Message
  readonly size: number
  readonly fault?: MessageRefused
  readonly id?: string
  readonly deliveryCount?: number
  readonly #settle: (outcome: Outcome) => void
  #state: 'owed' | 'settled' | 'lost' = 'owed'
  #lost: AbortController | undefined

  constructor(read: Read, settle: (outcome: Outcome) => void) {
    const { message, size, deliveryCount, assignedId, fault } = read
    this.message = message
    this.size = size
    this.#settle = settle
    if (fault) this.fault = fault
    if (deliveryCount !== undefined) this.deliveryCount = deliveryCount
    // The prefix by which JMS tells the ids that its provider assigned from those of applications.
    if (assignedId?.type === 'string' && assignedId.value.startsWith('ID:')) this.id = assignedId.value
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
