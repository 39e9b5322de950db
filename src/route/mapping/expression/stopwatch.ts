/** How long one evaluation may take, in milliseconds. */
export const timeLimit = 1_000

/** What passes between two looks counts at most as this much: a process that was paused has not computed. */
const step = 50

/** Says when an evaluation has gone on for too long; ask often. */
export class Stopwatch {
  #spent = 0
  #last = performance.now()

  isOver(): boolean {
    const now = performance.now()
    this.#spent += Math.min(step, now - this.#last)
    this.#last = now
    return this.#spent > timeLimit
  }
}
