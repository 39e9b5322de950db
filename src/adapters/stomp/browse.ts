import type { Deliver, Endpoint, LinkContext, Source } from '../../core/adapter.ts'
import { LinkLost } from '../../core/errors.ts'
import { restoredFromShelter } from '../shared/carriage/shelter.ts'
import { Grants } from '../shared/grants.ts'
import type { StompConnection } from './connection.ts'
import { subscribeHeaders } from './dialect.ts'
import { decodeMessage } from './message.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** Bytes that may wait here before we stop reading. */
const maxHeld = 4 * 1024 * 1024

/**
 * Looks at the messages of a queue, which stay there as they are: `browser:true` is ActiveMQ's own (its documentation of STOMP),
 * and a last message with `browser:end` says that there was none, or no more; then the link ends without an error, once
 * everything was granted. Nothing is acknowledged. The connection is closed with it.
 */
export async function openBrowser(
  at: At,
  connection: StompConnection,
  deliver: Deliver,
  { signal }: LinkContext,
): Promise<Source> {
  const lost = new AbortController()
  const ended = Promise.withResolvers<Error | undefined>()
  let heldBytes = 0
  let isAtEnd = false
  const grants = new Grants(delivery => {
    heldBytes -= delivery.size
    deliver(delivery)
  })
  const close = async (error?: Error) => {
    lost.abort()
    grants.clear()
    connection.resume()
    await connection.close()
    ended.resolve(error)
  }
  const endIfDone = () => {
    if (isAtEnd && grants.held === 0) void close()
  }
  connection.onMessage = frame => {
    if (lost.signal.aborted) return
    isAtEnd = frame.headers.get('browser') === 'end'
    if (!isAtEnd) {
      const came = decodeMessage(frame, 'activemq', at.options, Date.now())
      const { message } = restoredFromShelter(came)
      const size = frame.body.length + frame.headSize
      heldBytes += size
      grants.offer({ message, size, lost: lost.signal, settle: onlyLooked })
      if (heldBytes > maxHeld) connection.pause()
    }
    endIfDone()
  }
  void connection.closed.then(error => close(error))
  signal.throwIfAborted()
  connection.send('SUBSCRIBE', [...subscribeHeaders('activemq', at.options), ['browser', 'true']])
  return {
    closed: ended.promise,
    grant(messages, bytes) {
      grants.grant(messages, bytes)
      if (heldBytes <= maxHeld) connection.resume()
      endIfDone()
    },
    stop: async () => {},
    close: () => close(),
  }
}

const onlyLooked = async (): Promise<never> => {
  throw new LinkLost('the message was only looked at')
}
