import type { Limits, LinkContext, Prepared, Sink } from '../core/adapter.ts'
import type { Delivery, Outcome } from '../core/delivery.ts'
import { MessageRefused, toError } from '../core/errors.ts'
import type { FailureKind } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import type { Attempts, Tally } from './attempts.ts'
import { backoff, pause, type Retry } from './backoff.ts'
import type { BreakerOptions } from './breaker.ts'
import type { HoldRoom } from './hold-room.ts'
import type { HoldsReport } from './holds.ts'
import type { Step } from './mapping/step.ts'
import type { Order } from './order.ts'
import { OrderedSends } from './ordered-sends.ts'
import { Rate } from './rate.ts'
import { type Failure, kindOf, Sender, type SenderReport } from './sender.ts'
import { finished, notSent, type Sending, type Way } from './sending.ts'
import { diedOfIt, isGuilty, isTest, Suspects } from './suspects.ts'

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
  /** Of the messages that this target did not take. */
  readonly attempts: Attempts
  /** Messages a second; absent: no limit. */
  readonly maxRate?: number | undefined
  /** Ends the waiting for its turn of a message that is not sent as fast as it could be. */
  readonly stopping: AbortSignal
}

export interface TargetReport extends HoldsReport, SenderReport {
  failed(kind: FailureKind, error: Error, attempt: number): void
  /** The rate allows another message. */
  room(): void
}

/** One target of a route: keeps its link, encodes for it, and sends until the message is confirmed, refused or abandoned. */
export class Target {
  readonly #sink: TargetSink
  readonly #options: TargetOptions
  readonly #report: TargetReport
  readonly #sender: Sender
  readonly #ordered: OrderedSends
  readonly #suspects = new Suspects()
  readonly #rate: Rate | undefined
  readonly #stopped: AbortSignal
  /** Messages that wait for the first link, and the end of the last one's waiting. */
  #waiting = 0
  #queue: Promise<void> = Promise.resolve()

  constructor(sink: TargetSink, options: TargetOptions, report: TargetReport, stopped: AbortSignal) {
    this.#sink = sink
    this.#options = options
    this.#report = report
    this.#stopped = stopped
    const { maxRate } = options
    this.#rate = maxRate === undefined ? undefined : new Rate(maxRate, report.room)
    this.#ordered = new OrderedSends(options.order, options.holdRoom, report, stopped)
    this.#sender = new Sender(context => sink.open(context), options, report, stopped)
  }

  status() {
    return { ...this.#sender.status(), groupsHeld: this.#ordered.groupsHeld }
  }

  /** Can a message be sent without waiting, for the target to come back or for the rate? */
  get available(): boolean {
    return this.#sender.available && (this.#rate?.hasRoom() ?? true)
  }

  start(): void {
    this.#sender.start()
  }

  stop(): Promise<void> {
    return this.#sender.stop()
  }

  /** It needs this message no more: it has it, or a dead-letter place has. */
  forget(delivery: Delivery): void {
    this.#options.attempts.forget(delivery)
  }

  /** See `Sender.answers`. */
  answers(signal: AbortSignal): Promise<void> {
    return this.#sender.answers(signal)
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
    if (!this.#sender.limits || this.#waiting > 0) await this.#firstOpen(way.lost)
    const { limits } = this.#sender
    if (!limits) return undefined
    let prepared: Prepared
    try {
      if (refusal) throw refusal
      prepared = this.#sink.prepare(limits, message)
    } catch (error) {
      return this.#inLane(lane, way, async () => this.#gaveUp(toError(error), 1))
    }
    return this.#inLane(lane, way, () => this.#send(prepared, way))
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
    this.#queue = this.#queue.then(() => (this.#sender.limits ? undefined : this.#sender.up(lost)))
    await this.#queue
    this.#waiting--
  }

  #send(prepared: Prepared, way: Way): Promise<Sending> {
    return this.#sender.during(() => this.#tries(prepared, way))
  }

  async #tries(prepared: Prepared, { delivery, lost }: Way): Promise<Sending> {
    const { attempts, maxAttempts, retry, stopping } = this.#options
    const before = this.#sender.confirmed
    let passed = before
    let unexpected = attempts.of(delivery)?.unexpected ?? 0
    for (let attempt = 1; !lost.aborted && !this.#stopped.aborted; attempt++) {
      if (this.#rate && !(await this.#rate.take(lost, stopping))) break
      const tally = attempts.of(delivery)
      const isTested = tally !== undefined && isTest(tally)
      const failure = await (isTested ? this.#test(tally, prepared, lost) : this.#sender.once(prepared, lost))
      if (failure === undefined) return { confirmed: true }
      if (failure.kind === 'abandoned') break
      const { kind, error } = failure
      if (kind === 'refused') return this.#gaveUp(error, attempt)
      this.#report.failed(kind, error, attempt)
      if (kind === 'unexpected' && this.#counts(before)) {
        attempts.keep(delivery, ++unexpected)
        if (unexpected >= maxAttempts) return { confirmed: false, error, attempts: unexpected }
      }
      if (kind === 'link_lost') {
        const isOwn = isTested && this.#sender.confirmed > passed && diedOfIt(failure)
        passed = this.#sender.confirmed
        const { deaths, own } = attempts.died(delivery, error, failure.took, isOwn)
        if (isGuilty(deaths, own, maxAttempts))
          return { confirmed: false, error: killed(deaths, error), attempts: deaths }
      }
      await pause(backoff(attempt, retry), lost, this.#stopped)
    }
    return notSent
  }

  #test(tally: Tally, prepared: Prepared, lost: AbortSignal): Promise<Failure | undefined> {
    return this.#suspects.test(tally, this.#sender, [lost, this.#stopped], () =>
      this.#sender.once(prepared, lost),
    )
  }

  /** When everything fails it is the target: a failure counts against a message that others have passed, or that is alone. */
  #counts(confirmedBefore: number): boolean {
    return this.#sender.confirmed > confirmedBefore || this.#sender.sending === 1
  }

  #gaveUp(error: Error, attempts: number): Sending {
    this.#report.failed(kindOf(error), error, attempts)
    return { confirmed: false, error, attempts }
  }
}

const killed = (times: number, cause: Error) =>
  new MessageRefused(
    `the connection to the target was lost each of the ${times} times that the message was sent, while others passed`,
    {
      cause,
    },
  )
