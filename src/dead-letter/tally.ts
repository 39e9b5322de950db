import { visible } from '../explain/layout.ts'

/** What became of the letters that were meant. */
export class Tally {
  done = 0
  /** Refused again, or not to be redriven at all. */
  refused = 0
  /** Not finished: a target did not answer, the place was lost, or the command was ended. */
  left = 0
  readonly #reasons = new Map<string, number>()

  because(reason: string): void {
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  /** Was everything done that was meant? */
  get isClean(): boolean {
    return this.refused === 0 && this.left === 0
  }

  /** `3 redriven, 1 refused and left where it is`, and each reason with how often it was met. */
  text(done: string): string {
    const parts = [
      `${this.done} ${done}`,
      ...(this.refused > 0 ? [`${this.refused} refused and left where they are`] : []),
      ...(this.left > 0 ? [`${this.left} not finished and left where they are`] : []),
    ]
    const reasons = Array.from(this.#reasons, ([reason, times]) => `  ${times} × ${visible(reason)}`)
    return [parts.join(', '), ...reasons].join('\n')
  }
}
