import type { Endpoint, LinkContext } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import { openBrowser } from './browse.ts'
import { StompConnection } from './connection.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** The first message of the queue, which stays there. */
export async function peek(at: At, context: LinkContext): Promise<Message | undefined> {
  const { signal } = context
  const { options } = at
  if (options.topic !== undefined) {
    throw new Error('only a queue can be looked at: what a topic had was handed to its subscribers')
  }
  const more = { clientId: undefined, maxMessageSize: options.max_message_size }
  const connection = await inTurn(at.connection.urls, signal, url =>
    StompConnection.open(url, at.connection, more, signal),
  )
  try {
    if (connection.broker !== 'activemq') {
      throw new Error('over STOMP only ActiveMQ Classic can show a message without handing it out')
    }
    const came = Promise.withResolvers<Message | undefined>()
    const alone = { ...at, options: { ...options, prefetch: 1, exclusive: false, subscription: undefined } }
    const browser = await openBrowser(alone, connection, ({ message }) => came.resolve(message), context)
    void browser.closed.then(error => (error ? came.reject(error) : came.resolve(undefined)))
    browser.grant(1, Number.POSITIVE_INFINITY)
    return await within(at.connection.connect_timeout, 'looking for a message', came.promise, signal)
  } finally {
    await connection.close()
  }
}
