import type { StompPrepared } from './encode.ts'

/** One call of `send`: `resolve` and `reject` end it, and only the first of them counts. */
export interface Send {
  readonly id: string
  readonly prepared: StompPrepared
  readonly signal: AbortSignal
  /** By the clock of `performance.now`. */
  readonly deadline: number
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
  #strays = 0

  get waiting(): Iterable<Send> {
    return this.#waiting
  }

  /** Sends that the broker may have and that nobody has given up. */
  get written(): ReadonlyMap<string, Send> {
    return this.#written
  }

  get strays(): number {
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

  /** Takes out the one that the broker has answered by this id; undefined for a stray one. */
  answered(id: string): Send | undefined {
    const send = this.#written.get(id)
    if (send) this.#written.delete(id)
    else if (this.#strays > 0) this.#strays--
    return send
  }

  /** Takes out one that is over whatever the broker says. */
  drop(send: Send): void {
    const held = this.#held.get(send.prepared.target.unseen ?? '')
    if (this.#waiting.delete(send) || held?.delete(send) || !this.#written.delete(send.id)) return
    this.#strays++
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
