import { onAbort } from '../core/on-abort.ts'

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
    if (signals.some(s => s.aborted)) return resolve()
    const end = () => {
      clearTimeout(timer)
      for (const forget of watched) forget()
      resolve()
    }
    const timer = milliseconds === Number.POSITIVE_INFINITY ? undefined : setTimeout(end, milliseconds)
    const watched = signals.map(s => onAbort(s, end))
  })
}

/** Resolves once one of the signals is aborted. */
export const aborted = (...signals: readonly AbortSignal[]): Promise<void> =>
  pause(Number.POSITIVE_INFINITY, ...signals)
