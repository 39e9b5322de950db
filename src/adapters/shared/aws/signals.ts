/**
 * One listener for each signal however many wait on it: an AbortSignal walks the list of its listeners whenever one
 * is added or removed.
 */
export class Signals<T> {
  readonly #onAbort: (member: T, reason: unknown) => void
  readonly #watched = new Map<AbortSignal, { readonly members: Set<T>; readonly listener: () => void }>()

  constructor(onAbort: (member: T, reason: unknown) => void) {
    this.#onAbort = onAbort
  }

  watch(signal: AbortSignal, member: T): void {
    const watched = this.#watched.get(signal)
    if (watched) {
      watched.members.add(member)
      return
    }
    const members = new Set([member])
    const listener = () => {
      this.#watched.delete(signal)
      for (const each of [...members]) this.#onAbort(each, signal.reason)
    }
    signal.addEventListener('abort', listener, { once: true })
    this.#watched.set(signal, { members, listener })
  }

  forget(signal: AbortSignal, member: T): void {
    const watched = this.#watched.get(signal)
    if (!watched?.members.delete(member) || watched.members.size > 0) return
    signal.removeEventListener('abort', watched.listener)
    this.#watched.delete(signal)
  }
}
