import type { Delivery, Outcome } from '../core/delivery.ts'
import { MessageRefused, toError } from '../core/errors.ts'
import type { Report } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import { aborted, type Retry } from './backoff.ts'
import type { BreakerOptions } from './breaker.ts'
import type { BufferLimits, Received } from './buffer.ts'
import { type DeadLetterPlace, DeadLetters } from './dead-letter/dead-letters.ts'
import { deadLetterOf } from './dead-letter/record.ts'
import { deliveryId } from './delivery-id.ts'
import { Intake, type IntakeParts } from './intake.ts'
import type { Mapping } from './mapping/mapping.ts'
import { reporter } from './reporter.ts'
import { StallWatch } from './stall-watch.ts'
import { Target, type TargetSink } from './target.ts'

/** All that a route is made of. */
export interface RouteParts {
  readonly name: string
  readonly source: IntakeParts
  readonly mapping: Mapping
  readonly buffer: BufferLimits
  readonly targets: ReadonlyMap<string, TargetSink>
  readonly deadLetters: readonly DeadLetterPlace[]
  readonly retry: Retry & { readonly maxAttempts: number }
  readonly breaker: BreakerOptions
}

/** Messages that are being mapped or sent at a time; the others wait in the buffer, not encoded. */
const maxInFlight = 1_000

/**
 * One route: source → buffer → mapping → prepare → breaker → sink → settlement, in this order and nowhere else.
 *
 * A delivery ends in one of three ways: *settled*, when each target has confirmed it or a dead-letter place has taken
 * it; *lost*, when its link died first and its broker has it again; *left*, when the route stops before, and closing
 * the source gives it back. While the route runs it gives back nothing.
 */
export class Route {
  readonly name: string
  readonly #mapping: Mapping
  readonly #intake: Intake
  readonly #targets: ReadonlyMap<string, Target>
  readonly #deadLetters: DeadLetters
  readonly #report: ReturnType<typeof reporter>
  readonly #stallWatch: StallWatch
  readonly #stopped = new AbortController()
  #inFlight = 0
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(
    { name, source, mapping, buffer, targets, deadLetters, retry, breaker }: RouteParts,
    report: Report,
  ) {
    this.name = name
    this.#mapping = mapping
    this.#report = reporter(name, report)
    const { signal } = this.#stopped
    const changed = () => this.#wake()
    this.#targets = new Map(
      Array.from(targets, ([target, sink]) => {
        const options = { retry, breaker, maxAttempts: retry.maxAttempts }
        return [target, new Target(sink, options, this.#report.ofTarget(target, changed), signal)]
      }),
    )
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
      this.#inFlight++
      await this.#begin(received)
    }
    while (this.#inFlight > 0 && !this.#stopped.signal.aborted) await this.#change()
  }

  #canSend(): boolean {
    if (this.#inFlight >= maxInFlight) return false
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
    try {
      original = this.#named(received.delivery)
      if (received.delivery.fault) throw received.delivery.fault
      const mapped = this.#mapping(original)
      const message = mapped instanceof Promise ? await mapped : mapped
      if (message) {
        void this.#carry(received, original, message)
      } else {
        this.#report.filtered()
        void this.#settle(received, 'accepted')
      }
    } catch (error) {
      void this.#bury(received, '', original, toError(error), 1).then(outcome =>
        this.#settle(received, outcome),
      )
    }
  }

  #named(delivery: Delivery): Message {
    const { message } = delivery
    const deduplicationId = deliveryId(this.#intake.connectionName, delivery)
    return { ...message, properties: { ...message.properties, deduplicationId } }
  }

  /** Sends to every target and settles when each has it. Must not reject: nobody would hear. */
  async #carry(received: Received, original: Message, message: Message): Promise<void> {
    const outcomes = await Promise.all(
      Array.from(this.#targets, ([name, target]) =>
        this.#toTarget(received, original, message, name, target),
      ),
    )
    await this.#settle(received, combine(outcomes))
  }

  async #toTarget(received: Received, original: Message, message: Message, name: string, target: Target) {
    const sending = await target.deliver(message, received.delivery.lost)
    if (sending.confirmed) return 'accepted'
    return sending.error && this.#bury(received, name, original, sending.error, sending.attempts)
  }

  /**
   * Dead-letters; resolves with how to settle, or with undefined when the delivery was lost or the route stopped first.
   * Never rejects.
   */
  #bury(received: Received, target: string, message: Message, error: Error, attempts: number) {
    const { delivery, at } = received
    if (!(error instanceof MessageRefused)) this.#report.unexpected(target, error)
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
    const waits = () => this.#intake.waits(received)
    return this.#deadLetters.store(deadLetterOf(about, error), delivery.lost, waits)
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
    this.#inFlight--
    if (outcome) this.#report.settled(outcome)
    else if (error || received.delivery.lost.aborted) this.#report.lost(error)
    this.#intake.finished(received, outcome === 'accepted')
    this.#wake()
  }
}

/** Settled when every target is; rejected when one dead letter is to be the broker's own. */
function combine(outcomes: readonly (Outcome | undefined)[]): Outcome | undefined {
  if (outcomes.includes(undefined)) return undefined
  return outcomes.includes('rejected') ? 'rejected' : 'accepted'
}
