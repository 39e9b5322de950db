import type { Endpoint, LinkContext } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { restored } from '../shared/carriage/restore.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import type { Frame } from './codec.ts'
import { StompConnection } from './connection.ts'
import { destinationOf } from './dialect.ts'
import { decodeMessage } from './message.ts'
import { unsheltered } from './names.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'

/**
 * The first message of the queue, which stays there: `browser:true` is ActiveMQ's own (its documentation of STOMP), and a last
 * message with `browser:end` says that there was none, or no more. Nothing is acknowledged.
 */
export async function peek(
  at: Endpoint<ConnectionOptions, SourceOptions>,
  { signal }: LinkContext,
): Promise<Message | undefined> {
  const { options } = at
  if (options.topic !== undefined) {
    throw new Error('only a queue can be looked at: what a topic had was handed to its subscribers')
  }
  const more = { clientId: undefined, maxMessageSize: options.max_message_size }
  const connection = await inTurn(at.connection.urls, signal, url =>
    StompConnection.open(url, at.connection, more, signal),
  )
  try {
    const { broker } = connection
    if (broker !== 'activemq') {
      throw new Error('over STOMP only ActiveMQ Classic can show a message without handing it out')
    }
    const frame = await first(connection, at, signal)
    if (frame.headers.get('browser') === 'end') return undefined
    const came = decodeMessage(frame, broker, options, Date.now())
    const { message } = restored(came)
    return message === came ? came : { ...message, headers: unsheltered(message.headers) }
  } finally {
    await connection.close()
  }
}

async function first(
  connection: StompConnection,
  { connection: { connect_timeout }, options }: Endpoint<ConnectionOptions, SourceOptions>,
  signal: AbortSignal,
): Promise<Frame> {
  const came = new Promise<Frame>((resolve, reject) => {
    connection.onMessage = resolve
    void connection.closed.then(reason => reject(reason ?? new Error('the connection was closed')))
  })
  const { selector, transformation } = options
  connection.send('SUBSCRIBE', [
    ['id', 'sluice'],
    ['destination', destinationOf('activemq', options)],
    ['ack', 'client-individual'],
    ['browser', 'true'],
    ['activemq.prefetchSize', '1'],
    ...(selector === undefined ? [] : [['selector', selector] as const]),
    ...(transformation === undefined ? [] : [['transformation', transformation] as const]),
  ])
  return within(connect_timeout, 'looking for a message', came, signal)
}
