import type { Sink } from '../../core/adapter.ts'
import type { Outcome } from '../../core/delivery.ts'
import { toError } from '../../core/errors.ts'
import { backoff, pause, type Retry } from '../backoff.ts'
import { Keeper } from '../keeper.ts'
import type { TargetSink } from '../target.ts'
import { type DeadLetter, recordMessage } from './record.ts'

/** One entry of a route's `dead_letter` list: a sink, or the source's own broker (`broker: true`). */
export type DeadLetterPlace =
  | { readonly name: string; readonly sink: TargetSink }
  | { readonly name: string; readonly rejects: true }

export interface DeadLetterReport {
  stored(letter: DeadLetter, to: string): void
  failed(to: string, error: Error): void
  linkUp(name: string): void
  linkDown(name: string, error: Error | undefined): void
}

/** So long (ms) a place that is just opening is waited for before the next one is tried. */
const patience = 5_000

/** The ordered list of places for dead letters. A letter goes to the first that takes it; none taking it, it waits. */
export class DeadLetters {
  readonly #places: readonly { readonly place: DeadLetterPlace; readonly keeper?: Keeper<Sink> }[]
  readonly #retry: Retry
  readonly #report: DeadLetterReport
  readonly #stopped: AbortSignal
  #waiting = 0

  constructor(
    places: readonly DeadLetterPlace[],
    retry: Retry,
    report: DeadLetterReport,
    stopped: AbortSignal,
  ) {
    this.#retry = retry
    this.#report = report
    this.#stopped = stopped
    this.#places = places.map(place => {
      if (!('sink' in place)) return { place }
      const { name, sink } = place
      const keeper = new Keeper<Sink>(context => sink.open(context), retry, {
        up: () => report.linkUp(name),
        down: error => report.linkDown(name, error),
        event: () => {},
      })
      return { place, keeper }
    })
  }

  start(): void {
    for (const { keeper } of this.#places) keeper?.start()
  }

  async stop(): Promise<void> {
    await Promise.all(this.#places.map(({ keeper }) => keeper?.stop()))
  }

  /** Letters that no place has taken yet, although each was tried. */
  get waiting(): number {
    return this.#waiting
  }

  /**
   * Resolves once a look at one of the places has found it there, looking again with the retry's backoff; or when the signal is
   * aborted. Sends nothing.
   */
  async answers(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted && !this.#stopped.aborted; attempt++) {
      for (const { keeper } of this.#places) {
        if (!keeper) return
        const isThere = await keeper.link?.check(signal).then(
          () => true,
          () => false,
        )
        if (isThere) return
      }
      await pause(backoff(attempt, this.#retry), signal, this.#stopped)
    }
  }

  /** The places that have a link, in their order. */
  status() {
    return this.#places.flatMap(({ place, keeper }) =>
      keeper ? [{ place: place.name, up: keeper.link !== undefined, error: keeper.lastError }] : [],
    )
  }

  /**
   * Resolves once a place has confirmed the letter, with how its delivery is to be settled; with undefined when the
   * delivery was lost or the route was stopped before that. Never rejects. `waits` is called once if no place takes the
   * letter at the first try.
   */
  async store(letter: DeadLetter, lost: AbortSignal, waits: () => void): Promise<Outcome | undefined> {
    const isOver = () => lost.aborted || this.#stopped.aborted
    const outcome = isOver() ? undefined : await this.#stored(letter)
    if (outcome || isOver()) return outcome
    waits()
    this.#waiting++
    try {
      for (let attempt = 1; ; attempt++) {
        await pause(backoff(attempt, this.#retry), lost, this.#stopped)
        const taken = isOver() ? undefined : await this.#stored(letter)
        if (taken || isOver()) return taken
      }
    } finally {
      this.#waiting--
    }
  }

  /** One try, of each place in turn; undefined when none has taken it. */
  async #stored(letter: DeadLetter): Promise<Outcome | undefined> {
    for (const { place, keeper } of this.#places) {
      if (!keeper) {
        this.#report.stored(letter, place.name)
        return 'rejected'
      }
      try {
        await this.#send(place, keeper, letter)
        this.#report.stored(letter, place.name)
        return 'accepted'
      } catch (error) {
        if (this.#stopped.aborted) return undefined
        this.#report.failed(place.name, toError(error))
      }
    }
    return undefined
  }

  async #send(place: DeadLetterPlace, keeper: Keeper<Sink>, letter: DeadLetter): Promise<void> {
    const link = keeper.link ?? (await this.#linkOf(keeper))
    if (!link) throw new Error('not connected', { cause: keeper.lastError })
    if (!('sink' in place)) return
    const record = recordMessage(letter)
    const message = place.sink.address ? await place.sink.address(record) : record
    await link.send(place.sink.prepare(link.limits, message), this.#stopped)
  }

  /** A place that has already failed is not waited for. */
  async #linkOf(keeper: Keeper<Sink>): Promise<Sink | undefined> {
    if (keeper.lastError) return undefined
    await keeper.up(AbortSignal.timeout(patience), this.#stopped)
    return keeper.link
  }
}
