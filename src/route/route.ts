import { toError } from '../core/errors.ts'
import type { Report } from '../core/events.ts'
import type { Message } from '../core/message.ts'
import { Attempts } from './attempts.ts'
import { aborted } from './backoff.ts'
import type { Received } from './buffer.ts'
import { Burial } from './dead-letter/burial.ts'
import { DeadLetters } from './dead-letter/dead-letters.ts'
import { named } from './delivery-id.ts'
import { Expired, isExpired } from './expiry.ts'
import { type Addressed, FanOut } from './fan-out.ts'
import { Flood } from './flood.ts'
import { HoldRoom } from './hold-room.ts'
import { Intake } from './intake.ts'
import { neededBy } from './needed.ts'
import type { RouteParts } from './parts.ts'
import { reporter } from './reporter.ts'
import { Settlement } from './settlement.ts'
import { type Stage, stagesOf } from './stages.ts'
import { StallWatch } from './stall-watch.ts'
import { Taken } from './taken.ts'
import { Target } from './target.ts'

/** Between looks for what has expired while nothing can be sent (ms). */
const sweep = 1_000

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
  /** Requests and replies must not wait unseen: their time begins when they are taken. */
  readonly #eager: boolean
  readonly #rated: boolean
  readonly #intake: Intake
  readonly #targets: ReadonlyMap<string, Target>
  readonly #fanOut: FanOut
  readonly #deadLetters: DeadLetters
  readonly #burial: Burial
  readonly #flood: Flood | undefined
  readonly #report: ReturnType<typeof reporter>
  readonly #taken: Taken
  readonly #settlement: Settlement
  readonly #stallWatch: StallWatch
  /** No new sends; then, after the deadline, no sends. */
  readonly #stopping = new AbortController()
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(
    { name, source, buffer, targets, deadLetters, retry, breaker, order, expired, ...parts }: RouteParts,
    report: Report,
  ) {
    this.name = name
    this.#report = reporter(name, report)
    const { request, reply, maxRate, deadLetterPause } = parts
    this.#stages = stagesOf(name, parts)
    this.#holds = order.onRefused === 'hold_group'
    this.#eager = request !== undefined || reply !== undefined
    this.#rated = maxRate !== undefined
    const { signal } = this.#stopped
    const stopping = this.#stopping.signal
    const changed = () => this.#wake()
    const most = Math.min(source.prefetch, buffer.maxMessages)
    // With a strict order all wait for one, and there are no others to keep room for.
    const holdRoom = order.ordering === 'strict' ? HoldRoom.unbounded() : HoldRoom.half(most, buffer.maxBytes)
    const options = { retry, breaker, maxAttempts: retry.maxAttempts, order, holdRoom, maxRate, stopping }
    const attempts = () => new Attempts(source.connectionName)
    this.#targets = new Map(
      Array.from(targets, ([name, sink]) => [
        name,
        new Target(sink, { ...options, attempts: attempts() }, this.#report.ofTarget(name, changed), signal),
      ]),
    )
    this.#fanOut = new FanOut(this.#targets, this.#report.filtered)
    this.#deadLetters = new DeadLetters(deadLetters, retry, this.#report.ofDeadLetters(), signal)
    // Requesters that are gone are no wrong mapping, and must not harm the others.
    if (deadLetterPause && !reply) this.#flood = new Flood(deadLetterPause, this.#report.ofPause(changed))
    const burying = { route: name, expired, replies: reply !== undefined, flood: this.#flood }
    this.#burial = new Burial(this.#deadLetters, burying, this.#report, stopping)
    const needed = neededBy(this.#targets, this.#deadLetters, this.#flood)
    this.#intake = new Intake(source, buffer, retry, this.#report.ofSource(changed), needed)
    this.#taken = new Taken(source.connectionName, retry.maxAttempts)
    this.#settlement = new Settlement(this.#intake, this.#report, changed, this.#taken)
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
    this.#stopping.abort(new Error('stopping'))
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
      paused: this.#flood?.reason,
    }
  }

  /** Goes on after too many dead letters, counting anew; false when it was not paused. */
  resume(): boolean {
    return this.#flood?.resume() ?? false
  }

  /** Takes deliveries in order, as long as there is a target to send them to. Ends when everything is drained. */
  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      if (this.#leavesRest) break
      if (!this.#canSend() && !this.#intake.drained) {
        await this.#blocked()
        continue
      }
      const taken = this.#intake.take()
      const received = taken instanceof Promise ? await taken : taken
      if (!received) break
      const refused = this.#taken.admit(received, this.#stopping.signal)
      await this.#take(received, refused instanceof Promise ? await refused : refused)
    }
    while (!this.#settlement.isEmpty && !this.#stopped.signal.aborted) await this.#change()
  }

  /** Told to stop, it gives back at once what it could not send soon. */
  get #leavesRest(): boolean {
    return this.#stopping.signal.aborted && (this.#rated || this.#flood?.reason !== undefined)
  }

  #canSend(): boolean {
    if (!this.#settlement.hasRoom || this.#flood?.reason !== undefined) return false
    if (this.#eager) return true
    for (const target of this.#targets.values()) if (target.available) return true
    return false
  }

  /** Until something changes. What expires meanwhile is not kept until then. */
  async #blocked(): Promise<void> {
    const sweeping = setInterval(() => {
      for (const received of this.#intake.takeExpired()) void this.#take(received)
    }, sweep).unref()
    await this.#change()
    clearInterval(sweeping)
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #take(received: Received, refused?: Error): Promise<void> {
    this.#settlement.begin(received)
    return this.#begin(received, refused)
  }

  /** Maps, in order of receipt, and sends without waiting for the end. Must not throw: it would end the route. */
  async #begin(received: Received, refused: Error | undefined): Promise<void> {
    if (received.delivery.lost.aborted) return this.#settlement.end(received)
    let original = received.delivery.message
    let message: Message | undefined
    try {
      original = named(this.#intake.connectionName, received.delivery)
      message = original
      if (isExpired(original)) throw new Expired('the message had expired when it came')
      const fault = refused ?? received.delivery.fault
      if (fault) throw fault
      for (const { name, run } of this.#stages) {
        const next: ReturnType<Stage['run']> = run(message)
        message = next instanceof Promise ? await next : next
        if (!message) {
          if (name === 'trail') this.#report.looped()
          else this.#report.filtered()
          this.#flood?.passed()
          return void this.#settlement.settle(received, 'accepted')
        }
      }
      const addressed = this.#fanOut.addressed(message)
      void this.#carry(received, original, addressed instanceof Promise ? await addressed : addressed)
    } catch (thrown) {
      const error = toError(thrown)
      if (this.#holds && !(error instanceof Expired))
        return void this.#carry(received, original, this.#fanOut.everywhere(original, error))
      void this.#bury(received, '', original, error, 1).then(outcome =>
        this.#settlement.settle(received, outcome),
      )
    }
  }

  /** Sends to every target and settles when each has it. Must not reject: nobody would hear. */
  async #carry(received: Received, original: Message, messages: Addressed): Promise<void> {
    const { delivery } = received
    const id = original.properties.deduplicationId ?? ''
    let buried = false
    const bury = (target: string, error: Error, attempts: number) => {
      buried = true
      return this.#bury(received, target, original, error, attempts)
    }
    const sending = this.#fanOut.send(delivery, id, messages, {
      bury,
      waits: () => this.#settlement.waits(received),
    })
    const outcome = await sending.catch((error: unknown) => bury('', toError(error), 1))
    if (outcome && !buried) this.#flood?.passed()
    await this.#settlement.settle(received, outcome)
  }

  /** Resolves as `Burial.bury` does. */
  #bury(received: Received, target: string, message: Message, error: Error, attempts: number) {
    return this.#burial.bury({ received, target, message, error, attempts }, () =>
      this.#settlement.waits(received),
    )
  }
}
