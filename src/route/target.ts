import type { Limits, LinkContext, LinkEvent, Prepared, Sink } from '../core/adapter.ts'
import type { Outcome } from '../core/delivery.ts'
import { LinkLost, MessageRefused, SinkUnavailable, toError } from '../core/errors.ts'
import type { BreakerState, FailureKind } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import { backoff, pause, type Retry } from './backoff.ts'
import { Breaker, type BreakerOptions } from './breaker.ts'
import type { HoldRoom } from './hold-room.ts'
import type { HoldsReport } from './holds.ts'
import { Keeper } from './keeper.ts'
import type { Step } from './mapping/step.ts'
import type { Order } from './order.ts'
import { OrderedSends } from './ordered-sends.ts'
import { finished, notSent, type Sending, type Way } from './sending.ts'

/** A sink, bound to its endpoint by whoever built the route. */
export interface TargetSink {
  open(context: LinkContext): Promise<Sink>
  /** The target's own rules, after those of the route. */
  readonly mapping?: Step
  /** The message with the address it goes to; throws MessageRefused. Absent where there is nothing to choose. */
  address?(message: Message): Message | Promise<Message>
  /** Absent: the group id, where the route has an order. */
  orderGroup?(message: Message): string | undefined
  prepare(limits: Limits, message: Message): Prepared
}

export interface TargetOptions {
  readonly retry: Retry
  readonly breaker: BreakerOptions
  /** Tries of one message that fails in a way nobody knows, before it is given up. */
  readonly maxAttempts: number
  readonly order: Order
  /** Of all targets of the route. */
  readonly holdRoom: HoldRoom
}

export interface TargetReport extends HoldsReport {
  /** `packed`: some of its headers had no room of their own. */
  sent(seconds: number, packed: boolean): void
  failed(kind: FailureKind, error: Error, attempt: number): void
  breaker(state: BreakerState, reason: Error | undefined): void
  linkUp(): void
  linkDown(error: Error | undefined): void
  event(event: LinkEvent): void
}

/** One target of a route: keeps its link, encodes for it, and sends until the message is confirmed, refused or abandoned. */
export class Target {
  readonly #sink: TargetSink
  readonly #options: TargetOptions
  readonly #report: TargetReport
  readonly #keeper: Keeper<Sink>
  readonly #breaker: Breaker
  readonly #ordered: OrderedSends
  readonly #stopped: AbortSignal
  #limits: Limits | undefined
  /** Messages that wait for the first link, and the end of the last one's waiting. */
  #waiting = 0
  #queue: Promise<void> = Promise.resolve()
  #confirmed = 0
  #inFlight = 0

  constructor(sink: TargetSink, options: TargetOptions, report: TargetReport, stopped: AbortSignal) {
    this.#sink = sink
    this.#options = options
    this.#report = report
    this.#stopped = stopped
    this.#breaker = new Breaker(options.breaker, report.breaker)
    this.#ordered = new OrderedSends(options.order, options.holdRoom, report, stopped)
    this.#keeper = new Keeper(context => sink.open(context), options.retry, {
      up: link => {
        this.#limits = link.limits
        report.linkUp()
      },
      down: error => report.linkDown(error),
      event: event => report.event(event),
    })
  }

  status() {
    return {
      up: this.#keeper.link !== undefined,
      error: this.#keeper.lastError,
      breaker: this.#breaker.state,
      groupsHeld: this.#ordered.groupsHeld,
    }
  }

  /** Can a message be sent without waiting for the target to come back? A half-open breaker wants one, if none is here. */
  get available(): boolean {
    if (!this.#keeper.link) return false
    return this.#breaker.state === 'closed' || (this.#inFlight === 0 && this.#breaker.state === 'half_open')
  }

  start(): void {
    this.#keeper.start()
  }

  async stop(): Promise<void> {
    await this.#keeper.stop()
    this.#breaker.shutdown()
  }

  /** The message as it goes on to this target, or undefined when it does not. Throws MessageRefused. */
  readonly mapped: Step = message => (this.#sink.mapping ? this.#sink.mapping(message) : message)

  /** The message with the address it has here. Throws MessageRefused. */
  readonly addressed = (message: Message): Message | Promise<Message> =>
    this.#sink.address ? this.#sink.address(message) : message

  /**
   * Sends the message, after those of its order group that were given before; dead-letters what cannot get past (refused, or
   * failing while others succeed). With `refusal` it is known already that it cannot be sent. Resolves with how to settle, or with
   * undefined when it was abandoned: its delivery was lost, or the route stopped. Never rejects.
   */
  async deliver(message: Message, way: Way, refusal?: Error): Promise<Outcome | undefined> {
    const lane = this.#laneOf(message)
    if (refusal && lane === undefined) return finished(this.#gaveUp(refusal, 1), way)
    if (!this.#limits || this.#waiting > 0) await this.#firstOpen(way.lost)
    if (!this.#limits) return undefined
    let prepared: Prepared
    try {
      if (refusal) throw refusal
      prepared = this.#sink.prepare(this.#limits, message)
    } catch (error) {
      return this.#inLane(lane, way, async () => this.#gaveUp(toError(error), 1))
    }
    return this.#inLane(lane, way, () => this.#send(prepared, way.lost))
  }

  /** The lane in which a message waits for those before it; undefined when nothing has to be waited for. */
  #laneOf(message: Message): string | undefined {
    const { ordering } = this.#options.order
    if (ordering === 'strict') return ''
    return (
      this.#sink.orderGroup?.(message) ?? (ordering === 'by_group' ? message.properties.groupId : undefined)
    )
  }

  #inLane(lane: string | undefined, way: Way, send: () => Promise<Sending>): Promise<Outcome | undefined> {
    return this.#ordered.run(lane, way, send, reason => this.#gaveUp(reason, 0))
  }

  /**
   * The limits of a message are its target's own: nothing is prepared before the target was there once. Those that
   * wait for it go on in the order they came, and nobody passes them.
   */
  async #firstOpen(lost: AbortSignal): Promise<void> {
    this.#waiting++
    this.#queue = this.#queue.then(() => (this.#limits ? undefined : this.#opened(lost)))
    await this.#queue
    this.#waiting--
  }

  /** A link, or the end of waiting for one. */
  #opened(lost: AbortSignal): Promise<void> {
    return this.#keeper.up(lost, this.#stopped)
  }

  async #send(prepared: Prepared, lost: AbortSignal): Promise<Sending> {
    const confirmedBefore = this.#confirmed
    this.#inFlight++
    try {
      for (let attempt = 1, unexpected = 0; !lost.aborted && !this.#stopped.aborted; attempt++) {
        const failure = await this.#once(prepared, lost)
        if (failure === undefined) return { confirmed: true }
        if (failure.kind === 'abandoned') break
        if (failure.kind === 'refused') return this.#gaveUp(failure.error, attempt)
        this.#report.failed(failure.kind, failure.error, attempt)
        if (failure.kind === 'unexpected' && this.#counts(confirmedBefore)) {
          if (++unexpected >= this.#options.maxAttempts)
            return { confirmed: false, error: failure.error, attempts: attempt }
        }
        await pause(backoff(attempt, this.#options.retry), lost, this.#stopped)
      }
      return notSent
    } finally {
      this.#inFlight--
    }
  }

  /** When everything fails it is the target: a failure counts against a message that others have passed, or that is alone. */
  #counts(confirmedBefore: number): boolean {
    return this.#confirmed > confirmedBefore || this.#inFlight === 1
  }

  /** One try: undefined when the message was confirmed. */
  async #once(prepared: Prepared, lost: AbortSignal): Promise<Failure | undefined> {
    const permit = this.#breaker.tryAdmit() ?? (await this.#breaker.admit(lost, this.#stopped))
    if (!permit) return abandoned
    const link = this.#keeper.link ?? (await this.#waitForLink(lost))
    if (!link) {
      this.#breaker.withdrawn(permit)
      return abandoned
    }
    const began = performance.now()
    try {
      const call = await link.send(prepared, this.#stopped)
      this.#breaker.succeeded(permit, call)
      this.#confirmed++
      this.#report.sent((performance.now() - began) / 1000, prepared.packed !== undefined)
      return undefined
    } catch (thrown) {
      const error = toError(thrown)
      if (this.#stopped.aborted) return abandoned
      const kind = kindOf(error)
      if (kind === 'unavailable' || kind === 'link_lost') this.#breaker.failed(permit, error)
      else this.#breaker.withdrawn(permit)
      return { kind, error }
    }
  }

  async #waitForLink(lost: AbortSignal): Promise<Sink | undefined> {
    while (!this.#keeper.link && !lost.aborted && !this.#stopped.aborted) await this.#opened(lost)
    return this.#keeper.link
  }

  #gaveUp(error: Error, attempts: number): Sending {
    this.#report.failed(kindOf(error), error, attempts)
    return { confirmed: false, error, attempts }
  }
}

type Failure = { readonly kind: FailureKind; readonly error: Error } | { readonly kind: 'abandoned' }

const abandoned: Failure = { kind: 'abandoned' }

function kindOf(error: Error): FailureKind {
  if (error instanceof MessageRefused) return 'refused'
  if (error instanceof SinkUnavailable) return 'unavailable'
  return error instanceof LinkLost ? 'link_lost' : 'unexpected'
}
