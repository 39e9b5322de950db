/**
 * Runs tasks of one key one after the other, in the order they were given, and tasks of different keys side by side.
 * A task that throws does not stop those behind it.
 */
export class Lanes {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Keys with a task that has not ended. */
  get size(): number {
    return this.#last.size
  }

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key)
    const mine = before ? before.then(task, task) : task()
    this.#last.set(key, mine)
    const leave = () => {
      if (this.#last.get(key) === mine) this.#last.delete(key)
    }
    mine.then(leave, leave)
    return mine
  }
}
