/** Written `retry: { initial, max }`; milliseconds. */
export interface Retry {
  readonly initial: number
  readonly max: number
}

/**
 * Milliseconds to wait before try number `attempt` (the first retry is 1): full jitter, so that many bridges or
 * routes that lost the same broker do not come back in step.
 */
export function backoff(attempt: number, retry: Retry): number {
  const ceiling = Math.min(retry.max, retry.initial * 2 ** Math.min(attempt - 1, 30))
  return Math.random() * ceiling
}

/** Resolves after so many milliseconds, or as soon as one of the signals is aborted; never rejects. */
export function pause(milliseconds: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      clearTimeout(timer)
      for (const s of signals) s.removeEventListener('abort', end)
      resolve()
    }
    const timer = milliseconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(end, milliseconds)
    for (const s of signals) s.addEventListener('abort', end, { once: true })
    if (signals.some(s => s.aborted)) end()
  })
}

/** Resolves once one of the signals is aborted. */
export const aborted = (...signals: readonly AbortSignal[]): Promise<void> =>
  pause(Number.POSITIVE_INFINITY, ...signals)
