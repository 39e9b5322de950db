const callbacks = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once the signal is aborted (not when it is already); returns how to stop that. However many wait, the signal has one
 * listener: it would walk the list of them whenever one is added or removed, and thousands of messages wait on one link.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = callbacks.get(signal)
  if (!waiting) {
    const all = new Set<() => void>()
    waiting = all
    callbacks.set(signal, all)
    signal.addEventListener('abort', () => [...all].map(each => each()), { once: true })
  }
  waiting.add(callback)
  const set = waiting
  return () => set.delete(callback)
}
