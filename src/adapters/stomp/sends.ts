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
 * The sends of a link that are not confirmed, in the order in which they were made: those that wait, and behind the
 * front those that were written. One that ends before its receipt has come is *stray*: the broker may still confirm it
 * or find fault with it.
 */
export class Sends {
  readonly #waiting = new Set<Send>()
  readonly #written = new Map<string, Send>()
  #strays = 0

  get first(): Send | undefined {
    for (const send of this.#waiting) return send
    return undefined
  }

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

  get size(): number {
    return this.#waiting.size + this.#written.size
  }

  add(send: Send): void {
    this.#waiting.add(send)
  }

  write(send: Send): void {
    this.#waiting.delete(send)
    this.#written.set(send.id, send)
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
    if (this.#waiting.delete(send) || !this.#written.delete(send.id)) return
    this.#strays++
  }

  /** Those whose time is over, which are at the front. */
  overdue(now: number): readonly Send[] {
    const overdue: Send[] = []
    for (const sends of [this.#written.values(), this.#waiting]) {
      for (const send of sends) {
        if (send.deadline > now) break
        overdue.push(send)
      }
    }
    return overdue
  }

  /** All of them, which are here no more. */
  clear(): readonly Send[] {
    const all = [...this.#written.values(), ...this.#waiting]
    this.#written.clear()
    this.#waiting.clear()
    return all
  }
}
