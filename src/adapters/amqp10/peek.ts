import type { Endpoint, LinkContext } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { openBrowser } from './browse.ts'
import { beside, leaseConnection } from './lease.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** A broker that has nothing does not say so: so long (ms) its first message is waited for. */
const patience = 3_000

/** The first message of the queue, which stays there as it is. */
export async function peek(at: At, context: LinkContext): Promise<Message | undefined> {
  if (at.options.topic !== undefined) {
    throw new Error('only a queue can be looked at: what a topic had was handed to its subscribers')
  }
  const options = { ...at.options, exclusive: false, subscription: undefined }
  const alone = { ...at, connection: beside(at.connection), options }
  const lease = await leaseConnection(alone, context.signal)
  const came = Promise.withResolvers<Message | undefined>()
  const browser = await openBrowser(alone, lease, ({ message }) => came.resolve(message), context)
  void browser.closed.then(error => (error ? came.reject(error) : came.resolve(undefined)))
  const timer = setTimeout(() => came.resolve(undefined), patience)
  try {
    browser.grant(1, Number.POSITIVE_INFINITY)
    return await came.promise
  } finally {
    clearTimeout(timer)
    await browser.close()
  }
}
