import type { RouteConfig } from '../config/bridge-config.ts'
import type { Report } from '../core/events.ts'
import { onAbort } from '../core/on-abort.ts'
import { suggest } from '../core/suggest.ts'
import { formatDuration } from '../core/units.ts'
import { Carrier, type Redrivable, type Redriving } from './carrier.ts'
import { type Found, type Look, withLetters } from './letters.ts'
import { Pace } from './pace.ts'
import type { Place } from './places.ts'
import { Tally } from './tally.ts'

/** Letters of a route on their way at a time, at most. */
const mostOut = 100

/** Milliseconds for what is on its way to be finished when the command is told to end. */
const endLimit = 5_000

export interface RedriveOptions {
  readonly routes: readonly RouteConfig[]
  /** Letters a second. */
  readonly rate?: number
  /** Milliseconds for which a target that confirms nothing is waited for. */
  readonly wait: number
  /** Of this route, to the target of this name or, where that is '', to all. */
  build(route: RouteConfig, target: string, source: Redrivable, report: Report): Redriving
}

/** Sends the letters that are meant once more, through their routes as they are now, and removes each that was confirmed. */
export async function redrive(places: readonly Place[], look: Look, options: RedriveOptions): Promise<Tally> {
  const redriving = new Redrive(look, options)
  for (const place of places) {
    if (redriving.isOver) break
    await withLetters(place, look, letters => redriving.carry(letters))
  }
  await redriving.stop(endLimit)
  return redriving.tally
}

class Redrive {
  readonly tally = new Tally()
  readonly #look: Look
  readonly #options: RedriveOptions
  readonly #pace: Pace
  readonly #carriers = new Map<string, Carrier>()
  readonly #said = new Set<string>()
  #taken = 0
  #progressAt = 0
  #gaveUp = false
  #wake = () => {}

  constructor(look: Look, options: RedriveOptions) {
    this.#look = look
    this.#options = options
    this.#pace = new Pace(options.rate)
  }

  get isOver(): boolean {
    const { selection, signal } = this.#look
    return this.#gaveUp || signal.aborted || this.#taken >= (selection.limit ?? Number.POSITIVE_INFINITY)
  }

  /** The letters of one place, which stays open until each of them has come to its end. */
  async carry(letters: AsyncIterable<Found>): Promise<void> {
    for await (const found of letters) {
      await this.#carryOne(found)
      if (this.isOver) break
    }
    const isDone = await this.#until(() => this.#out === 0)
    if (!isDone) await this.stop(this.#gaveUp ? 0 : endLimit)
  }

  /** After so many milliseconds what is on its way is left. The timer of `AbortSignal.timeout` would keep no process alive. */
  async stop(limit: number): Promise<void> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), limit)
    await Promise.all(Array.from(this.#carriers.values(), carrier => carrier.stop(deadline.signal)))
    clearTimeout(timer)
    this.#carriers.clear()
  }

  async #carryOne(found: Found): Promise<void> {
    const carrier = this.#carrierOf(found)
    if (typeof carrier === 'string') {
      this.#taken++
      this.#refuse(carrier)
      return
    }
    await this.#pace.turn(this.#look.signal)
    if (!(await this.#until(() => carrier.hasRoom)) || this.#look.signal.aborted) return
    this.#taken++
    if (carrier.hasEnded) {
      this.#refuse(
        `${found.letter.route}: a letter before it was refused, and the route holds what is behind (on_refused)`,
      )
      return
    }
    if (this.#out === 0) this.#progressAt = performance.now()
    carrier.give(found)
  }

  #refuse(reason: string): void {
    this.tally.refused++
    this.tally.because(reason)
  }

  get #out(): number {
    let out = 0
    for (const carrier of this.#carriers.values()) out += carrier.out
    return out
  }

  /** True once it holds; false when the command is told to end or, which is said, nothing has been confirmed for too long. */
  async #until(holds: () => boolean): Promise<boolean> {
    const { signal } = this.#look
    if (this.#out === 0) this.#progressAt = performance.now()
    while (!holds()) {
      const left = this.#progressAt + this.#options.wait - performance.now()
      if (signal.aborted) return false
      if (left <= 0) {
        this.#giveUp()
        return false
      }
      await this.#change(left, signal)
    }
    return true
  }

  #giveUp(): void {
    this.#gaveUp = true
    const waiting = Array.from(this.#carriers.values()).filter(c => c.out > 0 || !c.hasRoom)
    const reasons = waiting.map(c => c.waitingFor()).join('; ')
    this.#look.say.problem(
      `nothing was confirmed for ${formatDuration(this.#options.wait)}, and the rest stays where it is; ${reasons}`,
    )
  }

  async #change(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, milliseconds)
    const forget = onAbort(signal, resolve)
    this.#wake = resolve
    await promise
    clearTimeout(timer)
    forget()
  }

  /** Or why there is none for this letter. */
  #carrierOf({ letter: { route: name, target } }: Found): Carrier | string {
    const key = JSON.stringify([name, target])
    const known = this.#carriers.get(key)
    if (known) return known
    const { routes, build } = this.#options
    const route = routes.find(r => r.name === name)
    if (!route)
      return `there is no route "${name}" in the file${suggest(
        name,
        routes.map(r => r.name),
      )}`
    const targets = [...route.targets.keys()]
    if (target !== '' && !targets.includes(target)) {
      return `route ${name} has no target "${target}" any more; there are ${targets.join(', ')}`
    }
    const holds = route.onRefused === 'hold_group'
    const carrier = new Carrier(
      {
        route: name,
        prefetch: holds ? 1 : Math.min(mostOut, route.from.at.options.prefetch),
        endsWithRefusal: holds && route.ordering === 'strict',
        build: (source, report) => build(route, target, source, report),
      },
      {
        ended: (how, reason) => this.#ended(how, reason),
        refused: reason => this.tally.because(reason),
        waits: text => this.#sayOnce(text),
        changed: () => this.#wake(),
      },
    )
    this.#carriers.set(key, carrier)
    return carrier
  }

  #ended(how: 'redriven' | 'refused' | 'left', reason: string | undefined): void {
    this.#progressAt = performance.now()
    if (how === 'redriven') this.tally.done++
    else this.tally[how]++
    if (reason !== undefined) this.tally.because(reason)
    this.#wake()
  }

  #sayOnce(text: string): void {
    if (this.#said.has(text)) return
    this.#said.add(text)
    this.#look.say.note(text)
  }
}
