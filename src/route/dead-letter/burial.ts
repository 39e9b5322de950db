import type { Outcome } from '../../core/delivery.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { ReplyFailure } from '../../core/events.ts'
import type { Message } from '../../core/message.ts'
import type { Received } from '../buffer.ts'
import { Expired, type ExpiredChoice } from '../expiry.ts'
import type { Flood } from '../flood.ts'
import type { DeadLetters } from './dead-letters.ts'
import { deadLetterOf } from './record.ts'

/** A message that cannot be carried. */
export interface Unsent {
  readonly received: Received
  /** The target that did not take it; '' when the mapping failed. */
  readonly target: string
  /** As the source delivered it. */
  readonly message: Message
  readonly error: Error
  readonly attempts: number
}

export interface BurialReport {
  expired(target: string): void
  replyFailed(reason: ReplyFailure): void
  unexpected(target: string, error: Error): void
}

export interface BurialOptions {
  readonly route: string
  readonly expired: ExpiredChoice
  /** The route carries replies. */
  readonly replies: boolean
  /** Undefined: it is never held. */
  readonly flood: Flood | undefined
}

/** What becomes of a message that cannot be carried: a dead letter, or nothing where its time is over and the route drops it then. */
export class Burial {
  readonly #deadLetters: Pick<DeadLetters, 'store'>
  readonly #options: BurialOptions
  readonly #report: BurialReport
  readonly #stopping: AbortSignal

  constructor(
    deadLetters: Pick<DeadLetters, 'store'>,
    options: BurialOptions,
    report: BurialReport,
    stopping: AbortSignal,
  ) {
    this.#deadLetters = deadLetters
    this.#options = options
    this.#report = report
    this.#stopping = stopping
  }

  /**
   * Resolves with how its delivery is to be settled, or with undefined when it was lost or the route stopped first.
   * `waits` is called when it cannot be stored for now. Never rejects.
   */
  async bury(unsent: Unsent, waits: () => void): Promise<Outcome | undefined> {
    const { received, target, error } = unsent
    const isExpired = error instanceof Expired
    if (this.#options.replies) this.#report.replyFailed(isExpired ? 'late' : 'undeliverable')
    if (isExpired) {
      this.#report.expired(target)
      if (this.#options.expired === 'drop') return 'accepted'
    } else if (!(await this.#admitted(error, received, waits))) return undefined
    if (!(error instanceof MessageRefused)) this.#report.unexpected(target, error)
    return this.#deadLetters.store(this.#letter(unsent), received.delivery.lost, waits)
  }

  /** What has expired says nothing about the route. */
  #admitted(error: Error, { delivery }: Received, waits: () => void): boolean | Promise<boolean> {
    return this.#options.flood?.admit(error, waits, delivery.lost, this.#stopping) ?? true
  }

  #letter({ received: { delivery, at }, target, message, error, attempts }: Unsent) {
    const diedAt = Date.now()
    const about = {
      route: this.#options.route,
      target,
      message,
      attempts,
      ...(delivery.deliveryCount !== undefined && { deliveryCount: delivery.deliveryCount }),
      receivedAt: diedAt - Math.round(performance.now() - at),
      diedAt,
    }
    return deadLetterOf(about, error)
  }
}
