import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  /** Milliseconds after which waiting fails. */
  readonly timeout?: number
  /** What is waited for, as it stands after "Waited 5000 ms for". */
  readonly what?: string
  /** Milliseconds between two looks. */
  readonly every?: number
}

/**
 * Looks at a condition until it holds and resolves with what it gave; undefined, null and false do not hold.
 * A condition that throws does not hold either; the last error is the cause when the time is over.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeout = 15_000, what = 'a condition', every = 10 }: UntilOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout
  let cause: unknown
  for (;;) {
    try {
      const found = await condition()
      if (found !== undefined && found !== null && found !== false) return found
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() >= deadline) throw new Error(`Waited ${timeout} ms for ${what}`, { cause })
    await delay(every)
  }
}
