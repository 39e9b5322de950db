import type { Load } from './lanes.ts'

/** A group that is held, as far as room is concerned. */
export interface Held {
  load(): Load
  park(): void
}

/**
 * How much all held groups of a route may take, of all its targets together: without a bound, they would in the end stop the
 * others. Past it, the group that has been held longest is parked.
 */
export class HoldRoom {
  readonly #messages: number
  readonly #bytes: number
  /** Oldest first. */
  readonly #held = new Set<Held>()

  static unbounded(): HoldRoom {
    return new HoldRoom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  }

  /** Half of what may be here, so that the other half is for the other groups. */
  static half(messages: number, bytes: number): HoldRoom {
    return new HoldRoom(Math.floor(messages / 2), bytes / 2)
  }

  private constructor(messages: number, bytes: number) {
    this.#messages = messages
    this.#bytes = bytes
  }

  add(held: Held): void {
    this.#held.add(held)
    this.make()
  }

  delete(held: Held): void {
    this.#held.delete(held)
  }

  /** To be called when what is held has become more. */
  make(): void {
    let [messages, bytes] = [0, 0]
    for (const held of this.#held) {
      const load = held.load()
      messages += load.tasks
      bytes += load.bytes
    }
    for (const held of this.#held) {
      if (messages <= this.#messages && bytes <= this.#bytes) return
      const load = held.load()
      messages -= load.tasks
      bytes -= load.bytes
      this.#held.delete(held)
      held.park()
    }
  }
}
