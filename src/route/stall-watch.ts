/** Between looks, and the age of the oldest delivery from which it is called a stall (ms). */
const interval = 5_000
const stallAfter = 60_000

/** Notices a route whose oldest delivery is not finished; says so once for each stall. */
export class StallWatch {
  readonly #oldestAge: () => number
  readonly #report: (seconds: number) => void
  #timer: NodeJS.Timeout | undefined
  #stalled = false

  constructor(oldestAge: () => number, report: (seconds: number) => void) {
    this.#oldestAge = oldestAge
    this.#report = report
  }

  get stalled(): boolean {
    return this.#stalled
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#look(), interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const age = this.#oldestAge()
    const stalled = age > stallAfter
    if (stalled && !this.#stalled) this.#report(Math.round(age / 1000))
    this.#stalled = stalled
  }
}
