import type { Outcome } from '../core/delivery.ts'
import { toError } from '../core/errors.ts'
import type { Received } from './buffer.ts'
import { InFlight } from './in-flight.ts'
import type { Intake } from './intake.ts'
import type { Taken } from './taken.ts'

export interface SettlementReport {
  settled(outcome: Outcome): void
  lost(error?: Error): void
}

/** The deliveries of a route from being taken to their end: settled, lost, or left for closing to give back. */
export class Settlement {
  readonly #intake: Pick<Intake, 'waits' | 'finished'>
  readonly #report: SettlementReport
  readonly #changed: () => void
  readonly #taken: Pick<Taken, 'begin' | 'end'>
  readonly #inFlight = new InFlight()

  /** `changed` is called when there may be room for another. */
  constructor(
    intake: Pick<Intake, 'waits' | 'finished'>,
    report: SettlementReport,
    changed: () => void,
    taken: Pick<Taken, 'begin' | 'end'>,
  ) {
    this.#intake = intake
    this.#report = report
    this.#changed = changed
    this.#taken = taken
  }

  get isEmpty(): boolean {
    return this.#inFlight.isEmpty
  }

  get hasRoom(): boolean {
    return this.#inFlight.hasRoom
  }

  /** It was taken: exactly one of `settle` and `end` is owed. */
  begin(received: Received): void {
    this.#inFlight.begin()
    this.#taken.begin(received)
  }

  /** It cannot be finished for now, through no fault of those behind it. */
  waits(received: Received): void {
    if (!this.#inFlight.waits(received)) return
    this.#intake.waits(received)
    this.#changed()
  }

  /** Without an outcome it is lost, or left for closing to give back. Never rejects. */
  async settle(received: Received, outcome: Outcome | undefined): Promise<void> {
    if (outcome === undefined) return this.end(received)
    try {
      await received.delivery.settle(outcome)
      this.end(received, outcome)
    } catch (error) {
      this.end(received, undefined, toError(error))
    }
  }

  /** `error` is why it could not be settled. */
  end(received: Received, outcome?: Outcome, error?: Error): void {
    this.#inFlight.end(received)
    this.#taken.end(received, outcome !== undefined)
    if (outcome) this.#report.settled(outcome)
    else if (error || received.delivery.lost.aborted) this.#report.lost(error)
    this.#intake.finished(received, outcome === 'accepted')
    this.#changed()
  }
}
