/**
 * Runs `work` with a signal that SIGINT and SIGTERM abort, so that it ends in order and gives back what it holds. A second one ends
 * the process at once: what it held comes back when its time is over.
 */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const ending = new AbortController()
  const onSignal = () => {
    if (ending.signal.aborted) process.exit(1)
    ending.abort(new Error('ended by a signal'))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  try {
    await work(ending.signal)
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
  }
}
