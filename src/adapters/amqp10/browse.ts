import { randomUUID } from 'node:crypto'
import rhea, { type Session } from 'rhea'
import type { Deliver, Endpoint, LinkContext, Source } from '../../core/adapter.ts'
import { LinkLost } from '../../core/errors.ts'
import type { Lease } from '../shared/shared-connections.ts'
import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'
import { sourceAddress } from './dialect.ts'
import { adoptDeliveryCount, Incoming, type ReceiverInside } from './incoming.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'
import { readTransfer } from './transfer.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/**
 * Looks at the messages of a queue, which stay there as they are: a receiver with the distribution mode `copy` (specification
 * section 3.5.3), which ActiveMQ and Artemis have. Nothing is settled, since there is nothing to settle. RabbitMQ takes no
 * notice of the mode and would hand out the messages themselves.
 */
export async function openBrowser(
  at: At,
  lease: Lease<AmqpConnection>,
  deliver: Deliver,
  { signal }: LinkContext,
): Promise<Source> {
  const { connection } = lease
  const { dialect } = connection
  if (!dialect.browses) {
    await lease.release()
    throw new Error(`${dialect.broker} cannot show a message over AMQP 1.0 without handing it out`)
  }
  const session = connection.createSession()
  const ended = Promise.withResolvers<Error | undefined>()
  const lost = new AbortController()
  Incoming.install(session, at.options.max_message_size, {
    message: (_, bytes) => {
      const { message, fault } = readTransfer(bytes, at.options, dialect)
      const found = { message, ...(fault && { fault }), size: bytes.length, lost: lost.signal }
      deliver({ ...found, settle: onlyLooked })
    },
    settled: () => {},
    tooLarge: ended.resolve,
  })
  session.on('session_error', () => ended.resolve(brokerError(session.error, 'the broker ended the session')))
  session.on('receiver_error', ({ receiver }) =>
    ended.resolve(brokerError(receiver?.error, 'the broker detached the link')),
  )
  session.begin()
  const receiver = openReceiver(session, at, connection)
  const forget = connection.onClosed(ended.resolve)
  void ended.promise.then(() => {
    forget()
    lost.abort()
    connection.endSession(session)
    void lease.release()
  })
  const attached = new Promise<undefined>(resolve => receiver.once('receiver_open', () => resolve(undefined)))
  try {
    const either = Promise.race([attached, ended.promise])
    const error = await within(at.connection.connect_timeout, 'attaching', either, signal)
    if (error) throw error
  } catch (error) {
    ended.resolve(undefined)
    throw error
  }
  adoptDeliveryCount(receiver)
  return {
    closed: ended.promise,
    grant: messages => void receiver.add_credit(messages),
    stop: async () => {},
    close: async () => ended.resolve(undefined),
  }
}

function openReceiver(session: Session, { options }: At, { dialect }: AmqpConnection): ReceiverInside {
  const { selector } = options
  return session.open_receiver({
    name: `sluice-peek-${randomUUID().slice(0, 8)}`,
    credit_window: 0,
    autoaccept: false,
    autosettle: false,
    source: {
      ...sourceAddress(dialect, options),
      distribution_mode: 'copy',
      ...(selector !== undefined && { filter: rhea.filter.selector(selector) }),
    },
  }) as ReceiverInside
}

const onlyLooked = async (): Promise<never> => {
  throw new LinkLost('the message was only looked at')
}
