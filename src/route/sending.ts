import type { Delivery, Outcome } from '../core/delivery.ts'

/** What the route does with a delivery on its way to one target. */
export interface Way {
  readonly delivery: Delivery
  /** Aborted when the delivery is lost, or its message has expired. */
  readonly lost: AbortSignal
  /** Bytes of the delivery. */
  readonly size: number
  /** Dead-letters; resolves with undefined when that was not possible before the delivery was lost. Never rejects. */
  bury(error: Error, attempts: number): Promise<Outcome | undefined>
  /** It cannot be finished for now, through no fault of those behind it. */
  waits(): void
}

/** What became of a message. One that was not confirmed is *abandoned* when its delivery is lost or the route stops. */
export type Sending =
  | { readonly confirmed: true }
  | { readonly confirmed: false; readonly error?: Error; readonly attempts: number }

export const notSent: Sending = { confirmed: false, attempts: 0 }

/** How to settle: accepted when confirmed, else as its dead letter says; undefined when it was abandoned. */
export async function finished(sent: Sending, way: Way): Promise<Outcome | undefined> {
  if (sent.confirmed) return 'accepted'
  return sent.error && way.bury(sent.error, sent.attempts)
}
