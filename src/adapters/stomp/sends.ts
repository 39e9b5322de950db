import type { StompPrepared } from './encode.ts'
import type { Target } from './target.ts'

/** One call of `send`: `resolve` and `reject` end it, and only the first of them counts. */
export interface Send {
  readonly id: string
  readonly prepared: StompPrepared
  /** By the clock of `performance.now`. */
  readonly deadline: number
  /** Ends the watching of the caller's signal. */
  unwatch(): void
  resolve(call: object): void
  reject(error: Error): void
}

/**
 * The sends of a link that are not confirmed: those that wait, in the order in which they were made, those that are *held*
 * until something is known of their queue, and those that were written. One that ends before its receipt has come is
 * *stray*: the broker may still confirm it or find fault with it.
 */
export class Sends {
  #waiting = new Set<Send>()
  readonly #held = new Map<string, Set<Send>>()
  readonly #written = new Map<string, Send>()
  readonly #strays = new Map<string, Target>()

  get waiting(): Iterable<Send> {
    return this.#waiting
  }

  /** Sends that the broker may have and that nobody has given up. */
  get written(): ReadonlyMap<string, Send> {
    return this.#written
  }

  /** Where those went that were given up and that the broker has not answered, by their ids. */
  get strays(): ReadonlyMap<string, Target> {
    return this.#strays
  }

  add(send: Send): void {
    this.#waiting.add(send)
  }

  write(send: Send): void {
    this.#waiting.delete(send)
    this.#written.set(send.id, send)
  }

  /** Takes it out of the way of the others until `recall`. */
  hold(send: Send): void {
    this.#waiting.delete(send)
    const queue = send.prepared.target.unseen!
    const held = this.#held.get(queue)
    if (held) held.add(send)
    else this.#held.set(queue, new Set([send]))
  }

  /** Those that were held for this queue wait again, before all others, which are younger where they go to the same queue. */
  recall(queue: string): Iterable<Send> {
    const held = this.#held.get(queue)
    if (!held) return []
    this.#held.delete(queue)
    this.#waiting = new Set([...held, ...this.#waiting])
    return held
  }

  /** Takes out the one that the broker has answered by this id; undefined for a stray one, and for what is none. */
  answered(id: string): Send | undefined {
    const send = this.#written.get(id)
    this.#written.delete(id)
    this.#strays.delete(id)
    return send
  }

  /** Takes out one that is over whatever the broker says: stray if the broker may have it and has not answered. */
  drop(send: Send): void {
    const { target } = send.prepared
    this.#waiting.delete(send)
    this.#held.get(target.unseen ?? '')?.delete(send)
    if (this.#written.delete(send.id)) this.#strays.set(send.id, target)
  }

  /** Those whose time is over. */
  overdue(now: number): readonly Send[] {
    return this.#all.filter(send => send.deadline <= now)
  }

  /** All of them, which are here no more. */
  clear(): readonly Send[] {
    const all = this.#all
    this.#written.clear()
    this.#waiting.clear()
    this.#held.clear()
    return all
  }

  get #all(): readonly Send[] {
    const held = Array.from(this.#held.values(), sends => [...sends]).flat()
    return [...this.#written.values(), ...held, ...this.#waiting]
  }
}
