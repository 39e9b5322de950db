import { setTimeout as pause } from 'node:timers/promises'

/** So many letters a second; absent: as many as can be. */
export class Pace {
  readonly #between: number
  #next = 0

  constructor(perSecond: number | undefined) {
    this.#between = perSecond === undefined ? 0 : 1_000 / perSecond
  }

  /** Resolves when it is the turn of the next letter, or the signal is aborted. */
  async turn(signal: AbortSignal): Promise<void> {
    const now = performance.now()
    const at = Math.max(now, this.#next)
    this.#next = at + this.#between
    if (at > now) await pause(at - now, undefined, { signal }).catch(() => {})
  }
}
