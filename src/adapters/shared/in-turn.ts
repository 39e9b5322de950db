import { sentence } from '../../core/errors.ts'
import type { BrokerUrl } from './options.ts'

const lastGood = new WeakMap<readonly BrokerUrl[], number>()

/**
 * Tries a broker's addresses in turn, beginning with the one that worked last, until one opens. When none does,
 * throws one error that names each address and what was wrong there; when aborted, the signal's reason.
 */
export async function inTurn<T>(
  urls: readonly BrokerUrl[],
  signal: AbortSignal,
  open: (url: BrokerUrl) => Promise<T>,
): Promise<T> {
  const first = lastGood.get(urls) ?? 0
  const failures: Error[] = []
  for (let i = 0; i < urls.length; i++) {
    const index = (first + i) % urls.length
    const url = urls[index]!
    signal.throwIfAborted()
    try {
      const opened = await open(url)
      lastGood.set(urls, index)
      return opened
    } catch (cause) {
      signal.throwIfAborted()
      failures.push(new Error(`connecting to ${url.text}: ${sentence(cause)}`, { cause }))
    }
  }
  if (failures.length === 1) throw failures[0]
  throw new AggregateError(failures, failures.map(f => f.message).join('; '))
}
