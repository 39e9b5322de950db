import type { Deliver, Source } from '../core/adapter.ts'
import type { Outcome } from '../core/delivery.ts'
import { sentence } from '../core/errors.ts'
import type { Report, RouteEvent } from '../core/events.ts'
import { onAbort } from '../core/on-abort.ts'
import type { Found } from './letters.ts'

/** What is needed of a route that was built for it (bridge.ts, `redriveRoute`). */
export interface Redriving {
  start(): void
  stop(deadline: AbortSignal): Promise<void>
  status(): { readonly targets: Readonly<Record<string, TargetStatus>> }
}

interface TargetStatus {
  readonly up: boolean
  readonly error: Error | undefined
  readonly breaker: string
}

export interface Redrivable {
  readonly prefetch: number
  open(deliver: Deliver): Promise<Source>
}

export interface CarrierOptions {
  readonly route: string
  /** Letters on their way at a time. */
  readonly prefetch: number
  /** In a strict order that is held: what comes behind a refused letter must not go before it. */
  readonly endsWithRefusal: boolean
  build(source: Redrivable, report: Report): Redriving
}

export interface CarrierReport {
  /** A letter came to its end: it was redriven and removed, refused, or lost by its place, with the reason. */
  ended(how: 'redriven' | 'refused' | 'left', reason?: string): void
  /** Why a target refused. */
  refused(reason: string): void
  /** A target that cannot be sent to is waited for. */
  waits(text: string): void
  /** There may be room for another letter. */
  changed(): void
}

/** Carries the letters of one route that go to the same targets: the source of the route that is built for them. */
export class Carrier {
  readonly #options: CarrierOptions
  readonly #report: CarrierReport
  readonly #redriving: Redriving
  readonly #out = new Set<Found>()
  readonly #closed = Promise.withResolvers<undefined>()
  #deliver: Deliver | undefined
  #credit = 0
  #hasEnded = false

  constructor(options: CarrierOptions, report: CarrierReport) {
    this.#options = options
    this.#report = report
    const source = { prefetch: options.prefetch, open: async (deliver: Deliver) => this.#open(deliver) }
    this.#redriving = options.build(source, event => this.#hear(event))
    this.#redriving.start()
  }

  get hasRoom(): boolean {
    return this.#credit > 0
  }

  /** No letter may follow the one that was refused. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Letters on their way. */
  get out(): number {
    return this.#out.size
  }

  /** There must be room. */
  give(found: Found): void {
    const { letter, record, stored } = found
    const { deduplicationId: name } = letter.message.properties
    this.#credit--
    this.#out.add(found)
    const forget = onAbort(stored.lost, () => this.#end(found, 'left', 'its place has taken it back'))
    this.#deliver!({
      message: letter.message,
      size: record.length,
      ...(name !== undefined && { name }),
      lost: stored.lost,
      settle: async outcome => {
        forget()
        await this.#settle(found, outcome)
      },
    })
  }

  /** What of the targets keeps the letters waiting. */
  waitingFor(): string {
    const down = Object.entries(this.#redriving.status().targets).filter(
      ([, { up, breaker }]) => !up || breaker !== 'closed',
    )
    const names = down.map(([name, { error }]) => (error ? `${name} (${sentence(error)})` : name))
    return `route ${this.#options.route}: ${names.length > 0 ? `no answer from target ${names.join(', ')}` : 'its targets do not confirm'}`
  }

  async stop(deadline: AbortSignal): Promise<void> {
    await this.#redriving.stop(deadline)
    for (const found of [...this.#out]) this.#end(found, 'left')
  }

  #open(deliver: Deliver): Source {
    this.#deliver = deliver
    return {
      closed: this.#closed.promise,
      grant: messages => {
        this.#credit += messages
        this.#report.changed()
      },
      stop: async () => {},
      close: async () => this.#closed.resolve(undefined),
    }
  }

  async #settle(found: Found, outcome: Outcome): Promise<void> {
    if (outcome === 'rejected') {
      this.#hasEnded ||= this.#options.endsWithRefusal
      return this.#end(found, 'refused')
    }
    try {
      await found.stored.remove()
      this.#end(found, 'redriven')
    } catch (error) {
      this.#end(found, 'left', `it was sent, and is still where it was: ${sentence(error)}`)
      throw error
    }
  }

  #end(found: Found, how: 'redriven' | 'refused' | 'left', reason?: string): void {
    if (this.#out.delete(found)) this.#report.ended(how, reason)
  }

  #hear(event: RouteEvent): void {
    const { route } = event
    if (event.type === 'dead_lettered') {
      const to = event.target === '' ? route : `${route} → ${event.target}`
      this.#report.refused(`${to}: ${event.reason}`)
    } else if (event.type === 'link_down' && event.error && event.link !== 'source') {
      this.#report.waits(`waiting for target ${event.link} of route ${route}: ${sentence(event.error)}`)
    } else if (event.type === 'breaker' && event.state === 'open' && event.error) {
      this.#report.waits(`waiting for target ${event.target} of route ${route}: ${sentence(event.error)}`)
    }
  }
}
