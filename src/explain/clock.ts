/** What the clock says in `explain` and in tests, unless a message says when it was received. */
export const usualTime = Date.UTC(2026, 0, 1)

/** So long (ms) the clock stands still before it jumps, so that an expression without end still meets its time limit. */
const standstill = 5_000

/**
 * Runs it while the clock of this process stands still, so that expiries and times of today come out the same each time. For
 * commands that do nothing else meanwhile: it holds for all of the process. Timers and `performance` go on.
 */
export async function atTime<T>(time: number, run: () => Promise<T>): Promise<T> {
  const real = globalThis.Date
  const begun = performance.now()
  const now = () => time + Math.floor((performance.now() - begun) / standstill) * standstill
  globalThis.Date = new Proxy(real, {
    construct: (target, given) => (given.length === 0 ? new target(now()) : Reflect.construct(target, given)),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  })
  try {
    return await run()
  } finally {
    globalThis.Date = real
  }
}
