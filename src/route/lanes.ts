/** What is in a lane. */
export interface Load {
  readonly tasks: number
  readonly bytes: number
}

const nothing: Load = { tasks: 0, bytes: 0 }

/**
 * Runs tasks of one key one after the other, in the order they were given, and tasks of different keys side by side.
 * A task that throws does not stop those behind it.
 */
export class Lanes {
  readonly #lanes = new Map<string, { last: Promise<unknown>; tasks: number; bytes: number }>()

  /** Keys with a task that has not ended. */
  get size(): number {
    return this.#lanes.size
  }

  /** The tasks of this key that have not ended. */
  load(key: string): Load {
    return this.#lanes.get(key) ?? nothing
  }

  run<T>(key: string, bytes: number, task: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key)
    const mine = lane ? lane.last.then(task, task) : task()
    if (lane) {
      lane.last = mine
      lane.tasks++
      lane.bytes += bytes
    } else this.#lanes.set(key, { last: mine, tasks: 1, bytes })
    const leave = () => {
      const left = this.#lanes.get(key)!
      left.bytes -= bytes
      if (--left.tasks === 0) this.#lanes.delete(key)
    }
    mine.then(leave, leave)
    return mine
  }
}
