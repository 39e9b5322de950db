import { aborted } from './backoff.ts'

/** Those who wait for a turn, in the order in which they came. */
export class Turns {
  readonly #waiting = new Set<() => void>()

  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Resolves with true once it is one's turn, with false when a signal was aborted before. Who gets a turn although a signal is
   * aborted has to pass it on.
   */
  async wait(signals: readonly AbortSignal[]): Promise<boolean> {
    const turn = new AbortController()
    const wake = () => turn.abort()
    this.#waiting.add(wake)
    await aborted(turn.signal, ...signals)
    this.#waiting.delete(wake)
    return turn.signal.aborted
  }

  /** The turn of whoever has waited longest; false when nobody waits. */
  next(): boolean {
    const [next] = this.#waiting
    if (!next) return false
    this.#waiting.delete(next)
    next()
    return true
  }

  all(): void {
    while (this.next());
  }
}
