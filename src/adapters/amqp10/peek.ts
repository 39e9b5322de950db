import { randomUUID } from 'node:crypto'
import rhea from 'rhea'
import type { Endpoint, LinkContext } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'
import { sourceAddress } from './dialect.ts'
import { adoptDeliveryCount, Incoming, type ReceiverInside } from './incoming.ts'
import { leaseConnection } from './lease.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'
import { readTransfer } from './transfer.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** A broker that has nothing does not say so: so long (ms) its first message is waited for. */
const patience = 3_000

/**
 * The first message of the queue, which stays there as it is: a receiver with the distribution mode `copy` (specification
 * section 3.5.3), which ActiveMQ and Artemis have. Nothing is settled, since there is nothing to settle. RabbitMQ takes no notice
 * of the mode and would hand out the message itself.
 */
export async function peek(at: At, { signal }: LinkContext): Promise<Message | undefined> {
  if (at.options.topic !== undefined) {
    throw new Error('only a queue can be looked at: what a topic had was handed to its subscribers')
  }
  // Not under the id of a bridge that runs. Else the same object, so that its targets know the broker from now on.
  const connection =
    at.connection.client_id === undefined ? at.connection : { ...at.connection, client_id: undefined }
  const options = { ...at.options, exclusive: false, subscription: undefined }
  const alone = { ...at, connection, options }
  const lease = await leaseConnection(alone, signal)
  try {
    return await browsed(alone, lease.connection, signal)
  } finally {
    await lease.release()
  }
}

async function browsed(
  at: At,
  connection: AmqpConnection,
  signal: AbortSignal,
): Promise<Message | undefined> {
  const { dialect } = connection
  if (!dialect.browses) {
    throw new Error(`${dialect.broker} cannot show a message over AMQP 1.0 without handing it out`)
  }
  const session = connection.createSession()
  const came = Promise.withResolvers<Buffer | undefined>()
  came.promise.catch(() => {})
  Incoming.install(session, { message: (_, bytes) => came.resolve(bytes), settled: () => {} })
  session.on('session_error', () => came.reject(brokerError(session.error, 'the broker ended the session')))
  session.on('receiver_error', ({ receiver }) =>
    came.reject(brokerError(receiver?.error, 'the broker detached the link')),
  )
  session.begin()
  const { selector } = at.options
  const receiver = session.open_receiver({
    name: `sluice-peek-${randomUUID().slice(0, 8)}`,
    credit_window: 0,
    autoaccept: false,
    autosettle: false,
    source: {
      ...sourceAddress(dialect, at.options),
      distribution_mode: 'copy',
      ...(selector !== undefined && { filter: rhea.filter.selector(selector) }),
    },
  }) as ReceiverInside
  const forget = connection.onClosed(came.reject)
  const attached = new Promise<void>(resolve => receiver.once('receiver_open', () => resolve()))
  try {
    await within(at.connection.connect_timeout, 'attaching', Promise.race([attached, came.promise]), signal)
    adoptDeliveryCount(receiver)
    receiver.add_credit(1)
    const timer = setTimeout(() => came.resolve(undefined), patience)
    const bytes = await came.promise.finally(() => clearTimeout(timer))
    return bytes && readTransfer(bytes, at.options, dialect).message
  } finally {
    forget()
    connection.endSession(session)
  }
}
