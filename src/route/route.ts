import type { Outcome } from '../core/delivery.ts'
import { MessageRefused, toError } from '../core/errors.ts'
import type { Report } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import { aborted, type Retry } from './backoff.ts'
import type { BreakerOptions } from './breaker.ts'
import type { BufferLimits, Received } from './buffer.ts'
import { type DeadLetterPlace, DeadLetters } from './dead-letter/dead-letters.ts'
import { deadLetterOf } from './dead-letter/record.ts'
import { named } from './delivery-id.ts'
import { type Addressed, FanOut } from './fan-out.ts'
import { HoldRoom } from './hold-room.ts'
import { InFlight } from './in-flight.ts'
import { Intake, type IntakeParts } from './intake.ts'
import type { Order } from './order.ts'
import { Expired } from './reply/token.ts'
import { reporter } from './reporter.ts'
import { type Stage, type StageParts, stagesOf } from './stages.ts'
import { StallWatch } from './stall-watch.ts'
import { Target, type TargetSink } from './target.ts'

/** All that a route is made of. */
export interface RouteParts extends StageParts {
  readonly name: string
  readonly source: IntakeParts
  readonly buffer: BufferLimits
  readonly targets: ReadonlyMap<string, TargetSink>
  readonly deadLetters: readonly DeadLetterPlace[]
  readonly retry: Retry & { readonly maxAttempts: number }
  readonly breaker: BreakerOptions
  readonly order: Order
}

/**
 * One route: source → buffer → mapping → prepare → breaker → sink → settlement, in this order and nowhere else.
 *
 * A delivery ends in one of three ways: *settled*, when each target has confirmed it or a dead-letter place has taken
 * it; *lost*, when its link died first and its broker has it again; *left*, when the route stops before, and closing
 * the source gives it back. While the route runs it gives back nothing.
 */
export class Route {
  readonly name: string
  readonly #stages: readonly Stage[]
  readonly #holds: boolean
  readonly #replies: boolean
  readonly #expires: boolean
  readonly #intake: Intake
  readonly #targets: ReadonlyMap<string, Target>
  readonly #fanOut: FanOut
  readonly #deadLetters: DeadLetters
  readonly #report: ReturnType<typeof reporter>
  readonly #stallWatch: StallWatch
  readonly #stopped = new AbortController()
  readonly #inFlight = new InFlight()
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(
    { name, source, buffer, targets, deadLetters, retry, breaker, order, ...parts }: RouteParts,
    report: Report,
  ) {
    this.name = name
    this.#report = reporter(name, report)
    const { request, reply } = parts
    this.#stages = stagesOf(name, parts)
    this.#holds = order.onRefused === 'hold_group'
    this.#replies = reply !== undefined
    const { signal } = this.#stopped
    const changed = () => this.#wake()
    const most = Math.min(source.prefetch, buffer.maxMessages)
    // With a strict order all wait for one, and there are no others to keep room for.
    const holdRoom = order.ordering === 'strict' ? HoldRoom.unbounded() : HoldRoom.half(most, buffer.maxBytes)
    const options = { retry, breaker, maxAttempts: retry.maxAttempts, order, holdRoom }
    this.#targets = new Map(
      Array.from(targets, ([name, sink]) => [
        name,
        new Target(sink, options, this.#report.ofTarget(name, changed), signal),
      ]),
    )
    this.#expires = request !== undefined || reply !== undefined
    this.#fanOut = new FanOut(this.#targets, this.#expires, this.#report.filtered)
    this.#deadLetters = new DeadLetters(deadLetters, retry, this.#report.ofDeadLetters(), signal)
    this.#intake = new Intake(source, buffer, retry, this.#report.ofSource(changed))
    this.#stallWatch = new StallWatch(() => this.#intake.oldestAge, this.#report.stalled)
  }

  start(): void {
    for (const target of this.#targets.values()) target.start()
    this.#deadLetters.start()
    this.#intake.start()
    this.#stallWatch.start()
    this.#running ??= this.#run()
  }

  /**
   * Takes no more from the source, finishes what is here until the deadline, gives the rest back by closing the
   * source, and closes the targets.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#intake.drain(deadline)
    this.#wake()
    await Promise.race([this.#running, aborted(deadline)])
    this.#stopped.abort(new Error('stopping'))
    this.#wake()
    this.#stallWatch.stop()
    await this.#intake.stop()
    await Promise.all([this.#deadLetters.stop(), ...Array.from(this.#targets.values(), t => t.stop())])
  }

  /** A picture of this moment. */
  status() {
    return {
      source: this.#intake.status(),
      targets: Object.fromEntries(Array.from(this.#targets, ([name, target]) => [name, target.status()])),
      deadLetters: this.#deadLetters.status(),
      oldestUnsettledSeconds: this.#intake.oldestAge / 1000,
      stalled: this.#stallWatch.stalled,
    }
  }

  /** Takes deliveries in order, as long as there is a target to send them to. Ends when everything is drained. */
  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      if (!this.#canSend() && !this.#intake.drained) {
        await this.#change()
        continue
      }
      const taken = this.#intake.take()
      const received = taken instanceof Promise ? await taken : taken
      if (!received) break
      this.#inFlight.begin()
      await this.#begin(received)
    }
    while (!this.#inFlight.isEmpty && !this.#stopped.signal.aborted) await this.#change()
  }

  #canSend(): boolean {
    if (!this.#inFlight.hasRoom) return false
    // What expires must not wait here unseen.
    if (this.#expires) return true
    for (const target of this.#targets.values()) if (target.available) return true
    return false
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  /** Maps, in order of receipt, and sends without waiting for the end. Must not throw: it would end the route. */
  async #begin(received: Received): Promise<void> {
    if (received.delivery.lost.aborted) return this.#end(received, undefined)
    let original = received.delivery.message
    let message: Message | undefined
    try {
      original = named(this.#intake.connectionName, received.delivery)
      message = original
      if (received.delivery.fault) throw received.delivery.fault
      for (const { name, run } of this.#stages) {
        const next: ReturnType<Stage['run']> = run(message)
        message = next instanceof Promise ? await next : next
        if (!message) {
          if (name === 'trail') this.#report.looped()
          else this.#report.filtered()
          return void this.#settle(received, 'accepted')
        }
      }
      const addressed = this.#fanOut.addressed(message)
      void this.#carry(received, original, addressed instanceof Promise ? await addressed : addressed)
    } catch (thrown) {
      const error = toError(thrown)
      if (this.#holds) return void this.#carry(received, original, this.#fanOut.everywhere(original, error))
      void this.#bury(received, '', original, error, 1).then(outcome => this.#settle(received, outcome))
    }
  }

  /** Sends to every target and settles when each has it. Must not reject: nobody would hear. */
  async #carry(received: Received, original: Message, messages: Addressed): Promise<void> {
    const { delivery } = received
    const id = original.properties.deduplicationId ?? ''
    const bury = (target: string, error: Error, attempts: number) =>
      this.#bury(received, target, original, error, attempts)
    const sending = this.#fanOut.send(delivery, id, messages, { bury, waits: () => this.#waits(received) })
    await this.#settle(received, await sending.catch((error: unknown) => bury('', toError(error), 1)))
  }

  /**
   * Dead-letters; resolves with how to settle, or with undefined when the delivery was lost or the route stopped first.
   * Never rejects.
   */
  #bury(received: Received, target: string, message: Message, error: Error, attempts: number) {
    const { delivery, at } = received
    if (!(error instanceof MessageRefused)) this.#report.unexpected(target, error)
    if (this.#replies) this.#report.replyFailed(error instanceof Expired ? 'late' : 'undeliverable')
    const diedAt = Date.now()
    const about = {
      route: this.name,
      target,
      message,
      attempts,
      ...(delivery.deliveryCount !== undefined && { deliveryCount: delivery.deliveryCount }),
      receivedAt: diedAt - Math.round(performance.now() - at),
      diedAt,
    }
    return this.#deadLetters.store(deadLetterOf(about, error), delivery.lost, () => this.#waits(received))
  }

  #waits(received: Received): void {
    if (!this.#inFlight.waits(received)) return
    this.#intake.waits(received)
    this.#wake()
  }

  /** Without an outcome the delivery is lost, or left for closing to give back. Never rejects. */
  async #settle(received: Received, outcome: Outcome | undefined): Promise<void> {
    if (outcome === undefined) return this.#end(received, undefined)
    try {
      await received.delivery.settle(outcome)
      this.#end(received, outcome)
    } catch (error) {
      this.#end(received, undefined, toError(error))
    }
  }

  #end(received: Received, outcome: Outcome | undefined, error?: Error): void {
    this.#inFlight.end(received)
    if (outcome) this.#report.settled(outcome)
    else if (error || received.delivery.lost.aborted) this.#report.lost(error)
    this.#intake.finished(received, outcome === 'accepted')
    this.#wake()
  }
}
