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
  work.catch(() => {})
  signal?.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let onAbort: (() => void) | undefined
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${doing} took longer than ${limit / 1000} s`)), limit)
    onAbort = () => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    if (onAbort) signal?.removeEventListener('abort', onAbort)
  }
}
