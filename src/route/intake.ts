import type { Deliver, LinkContext, Source } from '../core/adapter.ts'
import type { Delivery } from '../core/delivery.ts'
import { aborted, pause, type Retry } from './backoff.ts'
import { Buffer, type BufferLimits, type Received } from './buffer.ts'
import { Credit } from './credit.ts'
import { HeldTooLong, HoldWatch } from './hold-watch.ts'
import { Keeper, type KeeperReport } from './keeper.ts'
import type { Needed } from './needed.ts'

export interface IntakeParts {
  readonly connectionName: string
  readonly prefetch: number
  /** Milliseconds for which a delivery may stay unsettled; asked for each link, as it may depend on the broker. Absent: no limit. */
  holdLimit?(): number
  open(deliver: Deliver, context: LinkContext): Promise<Source>
}

export interface IntakeReport extends KeeperReport<Source> {
  received(size: number): void
  /** Lost while it waited here. */
  lost(): void
  /** The link was closed, in place of `down`, and so many messages given back that were not settled. */
  gaveBack(messages: number, why: HeldTooLong): void
}

/**
 * The source side of a route: keeps the source's link, grants it credit, and holds what came until it is finished. No
 * delivery is held for longer than its broker allows: then the link is closed, which gives everything back, and opened
 * again once what the deliveries wait for is there.
 */
export class Intake {
  readonly #parts: IntakeParts
  readonly #buffer: Buffer
  readonly #keeper: Keeper<Source>
  readonly #report: IntakeReport
  readonly #holdWatch = new HoldWatch()
  readonly #needed: () => Needed
  #credit: Credit | undefined
  #draining = false

  /** `needed` is what deliveries wait for, asked before they are given back; without it that is not known. */
  constructor(
    parts: IntakeParts,
    limits: BufferLimits,
    retry: Retry,
    report: IntakeReport,
    needed: () => Needed = () => async () => {},
  ) {
    this.#parts = parts
    this.#needed = needed
    this.#report = report
    this.#buffer = new Buffer(limits)
    limits.pressure?.join(() => Math.min(limits.maxBytes, this.#credit?.appetite ?? 0))
    this.#keeper = new Keeper(context => this.#open(context), retry, {
      up: link => {
        report.up(link)
        this.#watchHolding()
        this.#topUp()
      },
      down: error => {
        this.#holdWatch.end()
        if (this.#credit && !(error instanceof HeldTooLong)) this.#credit.diedAt = performance.now()
        this.#lose()
        if (error instanceof HeldTooLong) report.gaveBack(error.messages, error)
        else report.down(error)
      },
      event: event => report.event(event),
    })
  }

  get connectionName(): string {
    return this.#parts.connectionName
  }

  /** Draining, and everything that came has been finished. */
  get drained(): boolean {
    return this.#draining && this.#buffer.messages === 0
  }

  /** Milliseconds. */
  get oldestAge(): number {
    return this.#buffer.oldestAge
  }

  start(): void {
    this.#keeper.start()
  }

  take(): Received | undefined | Promise<Received | undefined> {
    return this.#buffer.take()
  }

  takeExpired(): readonly Received[] {
    return this.#buffer.takeExpired()
  }

  /** It cannot be finished for now, through no fault of those behind it. */
  waits({ credit }: Received): void {
    credit.waits()
    this.#topUp()
  }

  finished(received: Received, settled: boolean): void {
    this.#buffer.finished(received)
    received.credit.finished(settled)
    if (settled) this.#holdWatch.settled()
    this.#topUp()
  }

  /** No more comes from now on; what is here can still be settled. */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#draining = true
    await Promise.race([this.#keeper.link?.stop(), aborted(deadline)])
    this.#buffer.close()
  }

  /** Closes the link, which gives back what is unsettled. */
  stop(): Promise<void> {
    return this.#keeper.stop()
  }

  status() {
    return {
      up: this.#keeper.link !== undefined,
      error: this.#keeper.lastError,
      messages: this.#buffer.messages,
      bytes: this.#buffer.bytes,
      maxBytes: this.#buffer.limits.maxBytes,
      credit: this.#credit?.outstanding ?? 0,
    }
  }

  /** Each link has a credit of its own. */
  async #open(context: LinkContext): Promise<Source> {
    let credit: Credit | undefined
    const deliver = (delivery: Delivery) => {
      if (!credit) throw new Error('a source delivered before anything was granted')
      credit.received(delivery)
      this.#report.received(delivery.size)
      this.#buffer.put({ delivery, credit, at: delivery.heldSince ?? performance.now() })
    }
    const link = await this.#parts.open(deliver, context)
    credit = new Credit(link, this.#buffer, this.#parts.prefetch)
    this.#credit = credit
    return link
  }

  /** Those of an earlier link, some of which may still be on their way to a target, are its broker's again. */
  #watchHolding(): void {
    const credit = this.#credit
    const limit = this.#parts.holdLimit?.() ?? Number.POSITIVE_INFINITY
    const oldestAge = () => this.#buffer.oldestAgeOf(credit)
    this.#holdWatch.begin(limit, oldestAge, () => {
      if (this.#draining) return
      const needed = this.#needed()
      this.#keeper.rest(new HeldTooLong(limit, this.#buffer.messages), async signal => {
        await pause(this.#holdWatch.away, signal)
        await needed(signal)
      })
    })
  }

  /** The link died: what waits here is the broker's again. */
  #lose(): void {
    this.#credit = undefined
    for (const received of this.#buffer.removeLost()) {
      this.#buffer.finished(received)
      this.#report.lost()
    }
  }

  #topUp(): void {
    if (!this.#draining) this.#credit?.topUp()
  }
}
