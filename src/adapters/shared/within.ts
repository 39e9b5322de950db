/**
 * The time limit that every step of a link has: rejects with `<doing> took longer than <limit>`, or with the signal's
 * reason when it is aborted first. The work goes on unheard; whoever started it cleans up.
 */
export async function within<T>(
  limit: number,
  doing: string,
  work: Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${doing} took longer than ${limit / 1000} s`)), limit)
  })
  const limited = Promise.race([work, over])
  try {
    return await (signal ? untilAborted(limited, signal) : limited)
  } finally {
    clearTimeout(timer)
  }
}

/** The same without a limit, for work that has its own: only the signal ends the waiting. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
