/**
 * Runs tasks of one key one after the other, in the order they were given, and tasks of different keys side by side.
 * A task that throws does not stop those behind it.
 */
export class Lanes {
  readonly #lanes = new Map<string, { last: Promise<unknown>; tasks: number }>()

  /** Keys with a task that has not ended. */
  get size(): number {
    return this.#lanes.size
  }

  /** Tasks of this key that have not ended. */
  tasks(key: string): number {
    return this.#lanes.get(key)?.tasks ?? 0
  }

  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key)
    const mine = lane ? lane.last.then(task, task) : task()
    if (lane) {
      lane.last = mine
      lane.tasks++
    } else this.#lanes.set(key, { last: mine, tasks: 1 })
    const leave = () => {
      const left = this.#lanes.get(key)!
      if (--left.tasks === 0) this.#lanes.delete(key)
    }
    mine.then(leave, leave)
    return mine
  }
}
