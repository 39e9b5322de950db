import type { MessageRefused } from './errors.ts'
import type { Message } from './message.ts'

/** How a delivery ends at its source: accepted (done with) or rejected (the broker's own dead letter). */
export type Outcome = 'accepted' | 'rejected'

/**
 * A message that its source has handed over and that is owed exactly one `settle`, unless it is lost.
 * Until then the broker keeps it.
 */
export interface Delivery {
  readonly message: Message
  /** Why its source could not read the message, which is then as it came: it is dead-lettered and never sent. */
  readonly fault?: MessageRefused
  /** Bytes of body and headers, near enough for the bounds of the buffer. */
  readonly size: number
  /**
   * A name that the broker or JMS gave this message and gives again when it is delivered again. Absent where the
   * protocol has none, or where only the application chose it.
   */
  readonly id?: string
  /** The name of the delivery (`Properties.deduplicationId`), where it was given before: a dead letter is sent again under its own. */
  readonly name?: string
  /** When its broker handed it out, as `performance.now()` has it, where that was before it was handed over here. */
  readonly heldSince?: number
  /** How often it was delivered before this time, where the broker counts (0 at the first). */
  readonly deliveryCount?: number
  /** Aborted once its link died, its visibility ended or it was taken back. May be shared by all deliveries of a link. */
  readonly lost: AbortSignal
  /** Throws LinkLost when the delivery is lost: the broker has it again and will deliver it again. */
  settle(outcome: Outcome): Promise<void>
}
