/** So many calls may be in flight; shared by all who call. Those who wait are woken in the order in which they came. */
export class Slots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** False when none is free: `wake` is called, once, when one is; it is not taken by then. */
  take(wake: () => void): boolean {
    if (this.#free === 0) {
      this.#waiting.add(wake)
      return false
    }
    this.#free--
    return true
  }

  /** Resolves when one is taken. */
  taken(): Promise<void> {
    return new Promise(resolve => {
      const attempt = () => {
        if (this.take(attempt)) resolve()
      }
      attempt()
    })
  }

  giveBack(): void {
    this.#free++
    for (const wake of this.#waiting) {
      if (this.#free === 0) return
      this.#waiting.delete(wake)
      wake()
    }
  }
}
