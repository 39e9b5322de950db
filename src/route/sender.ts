import type { Limits, LinkContext, LinkEvent, Prepared, Sink } from '../core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable, toError } from '../core/errors.ts'
import type { BreakerState, FailureKind } from '../core/events.ts'
import { backoff, pause, type Retry } from './backoff.ts'
import { Breaker, type BreakerOptions, type Permit } from './breaker.ts'
import { Concurrency } from './concurrency.ts'
import { Keeper } from './keeper.ts'

export interface SenderReport {
  /** `packed`: some of its headers had no room of their own. */
  sent(seconds: number, packed: boolean): void
  breaker(state: BreakerState, reason: Error | undefined): void
  /** How many messages may be in flight from now on, since the target throttles; Infinity when that is over. */
  concurrency(limit: number): void
  linkUp(): void
  linkDown(error: Error | undefined): void
  event(event: LinkEvent): void
}

/** Why a try failed. *Abandoned* is one whose delivery was lost, or whose route stopped. */
export type Failure =
  | {
      readonly kind: FailureKind
      readonly error: Error
      /** Milliseconds that the try went on, and that the link had lived before it. */
      readonly took: number
      readonly age: number
    }
  | { readonly kind: 'abandoned' }

const abandoned: Failure = { kind: 'abandoned' }

/** The way to one target: its link, kept open; how much may be on its way at a time; the breaker. One try at a time. */
export class Sender {
  readonly #retry: Retry
  readonly #report: SenderReport
  readonly #keeper: Keeper<Sink>
  readonly #breaker: Breaker
  readonly #concurrency: Concurrency
  readonly #stopped: AbortSignal
  #limits: Limits | undefined
  #openedAt = 0
  #confirmed = 0
  #sending = 0

  constructor(
    open: (context: LinkContext) => Promise<Sink>,
    options: { readonly retry: Retry; readonly breaker: BreakerOptions },
    report: SenderReport,
    stopped: AbortSignal,
  ) {
    this.#retry = options.retry
    this.#report = report
    this.#stopped = stopped
    this.#breaker = new Breaker(options.breaker, report.breaker, () => this.#look())
    this.#concurrency = new Concurrency(report.concurrency)
    this.#keeper = new Keeper(open, options.retry, {
      up: link => {
        this.#limits = link.limits
        this.#openedAt = performance.now()
        report.linkUp()
        this.#look()
      },
      down: error => report.linkDown(error),
      event: event => report.event(event),
    })
  }

  status() {
    const { limit } = this.#concurrency
    return {
      up: this.#keeper.link !== undefined,
      error: this.#keeper.lastError ?? this.#breaker.reason,
      breaker: this.#breaker.state,
      inFlight: this.#concurrency.inFlight,
      /** Absent while there is none. */
      ...(limit !== Number.POSITIVE_INFINITY && { inFlightLimit: limit }),
    }
  }

  /** Those of the last link; undefined before the first. */
  get limits(): Limits | undefined {
    return this.#limits
  }

  /** Milliseconds that the link has lived. */
  get age(): number {
    return this.#keeper.link ? performance.now() - this.#openedAt : 0
  }

  /** Messages that the target has confirmed. */
  get confirmed(): number {
    return this.#confirmed
  }

  /** Can a message be sent without waiting for the target to come back? A half-open breaker wants one, if none is here. */
  get available(): boolean {
    if (!this.#keeper.link) return false
    return this.#breaker.state === 'closed' || (this.#sending === 0 && this.#breaker.state === 'half_open')
  }

  start(): void {
    this.#keeper.start()
  }

  async stop(): Promise<void> {
    await this.#keeper.stop()
    this.#breaker.shutdown()
  }

  /** A link, or the end of waiting for one. */
  up(...signals: readonly AbortSignal[]): Promise<void> {
    return this.#keeper.up(...signals, this.#stopped)
  }

  /** A message is being sent for as long as `tries` go on, the waiting between them included. */
  async during<T>(tries: () => Promise<T>): Promise<T> {
    this.#sending++
    try {
      return await tries()
    } finally {
      this.#sending--
    }
  }

  /** Messages that are being sent, those included that wait for their next try. */
  get sending(): number {
    return this.#sending
  }

  /** One try: undefined when the message was confirmed. */
  once(prepared: Prepared, lost: AbortSignal): Promise<Failure | undefined> {
    const epoch = this.#concurrency.tryEnter()
    const permit = epoch === undefined ? undefined : this.#breaker.tryAdmit()
    const { link } = this.#keeper
    if (epoch !== undefined && permit && link) return this.#sent(link, prepared, permit, epoch)
    return this.#later(prepared, lost, epoch, permit)
  }

  /**
   * Resolves once a look at the target has found it there, looking again with the retry's backoff and as the breaker allows; or
   * when the signal is aborted. Sends nothing.
   */
  async answers(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted && !this.#stopped.aborted; attempt++) {
      const permit = await this.#breaker.admit(signal, this.#stopped)
      if (!permit) return
      const link = await this.#waitForLink(signal)
      const error = link && (await this.#checked(link))
      if (!link) this.#breaker.withdrawn(permit)
      else this.#breaker.checked(permit, error)
      if (link && !error) return
      await pause(backoff(attempt, this.#retry), signal, this.#stopped)
    }
  }

  /** Waits for what it has not got yet of place, permit and link. */
  async #later(
    prepared: Prepared,
    lost: AbortSignal,
    entered: number | undefined,
    admitted: Permit | undefined,
  ): Promise<Failure | undefined> {
    const epoch = entered ?? (await this.#concurrency.enter(lost, this.#stopped))
    if (epoch === undefined) return abandoned
    const permit = admitted ?? (await this.#breaker.admit(lost, this.#stopped))
    const link = permit && (await this.#waitForLink(lost))
    if (permit && link) return this.#sent(link, prepared, permit, epoch)
    if (permit) this.#breaker.withdrawn(permit)
    this.#concurrency.leave()
    return abandoned
  }

  /** Leaves its place when it is over. */
  async #sent(link: Sink, prepared: Prepared, permit: Permit, epoch: number): Promise<Failure | undefined> {
    const began = performance.now()
    const { age } = this
    try {
      const call = await link.send(prepared, this.#stopped)
      this.#breaker.succeeded(permit, call)
      this.#concurrency.succeeded()
      this.#confirmed++
      this.#report.sent((performance.now() - began) / 1000, prepared.packed !== undefined)
      return undefined
    } catch (thrown) {
      const error = toError(thrown)
      if (this.#stopped.aborted) return abandoned
      const kind = kindOf(error)
      if (this.#isTargets(kind, error, epoch, permit.probe)) this.#breaker.failed(permit, error)
      else this.#breaker.withdrawn(permit)
      return { kind, error, took: performance.now() - began, age }
    } finally {
      this.#concurrency.leave()
    }
  }

  /** Does the breaker count it? Throttling only where sending less at a time cannot be the answer. */
  #isTargets(kind: FailureKind, error: Error, epoch: number, isAlone: boolean): boolean {
    if (kind === 'throttled')
      return this.#concurrency.throttled(epoch, (error as SinkUnavailable).retryAfter) || isAlone
    return kind === 'unavailable' || kind === 'link_lost'
  }

  /** Where no message is here that could be the probe of a half-open breaker, a look at the target is. */
  #look(): void {
    setImmediate(async () => {
      const link = this.#keeper.link
      if (!link || this.#sending > 0 || this.#breaker.state !== 'half_open') return
      const permit = this.#breaker.tryAdmit()
      if (permit) this.#breaker.checked(permit, await this.#checked(link))
    })
  }

  /** What is wrong, if anything is. Never rejects. */
  #checked(link: Sink): Promise<Error | undefined> {
    return link.check(this.#stopped).then(() => undefined, toError)
  }

  async #waitForLink(lost: AbortSignal): Promise<Sink | undefined> {
    while (!this.#keeper.link && !lost.aborted && !this.#stopped.aborted) await this.up(lost)
    return this.#keeper.link
  }
}

export function kindOf(error: Error): FailureKind {
  if (error instanceof MessageRefused) return 'refused'
  if (error instanceof SinkUnavailable) return error.throttled ? 'throttled' : 'unavailable'
  return error instanceof LinkLost ? 'link_lost' : 'unexpected'
}
