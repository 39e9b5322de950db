import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'

/**
 * Throws when a queue does not exist on a broker that says so to readers only: RabbitMQ 3 accepts and drops what is sent
 * to it. Attaches a reader without credit for a moment; one that may not read because another has the queue for
 * itself says as well that the queue is there.
 */
export async function demandQueue(
  connection: AmqpConnection,
  address: string,
  limit: number,
  signal?: AbortSignal,
): Promise<void> {
  const session = connection.createSession()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const refused = (error: unknown) => {
    const { condition } = (error ?? {}) as { readonly condition?: string }
    if (condition === 'amqp:not-found') reject(brokerError(error, 'the broker knows no such queue'))
    else resolve()
  }
  session.on('session_error', () => refused(session.error))
  session.on('session_close', () => refused(undefined))
  session.on('receiver_error', ({ receiver }) => refused(receiver?.error))
  session.on('receiver_close', () => refused(undefined))
  session.on('receiver_open', ({ receiver }) => {
    if (receiver?.source) resolve()
  })
  session.begin()
  session.open_receiver({ source: { address }, credit_window: 0, autoaccept: false })
  const died = connection.closed.then(error => reject(error ?? new Error('the connection was closed')))
  try {
    await within(limit, 'looking for the queue', Promise.race([promise, died]), signal)
  } finally {
    session.close()
  }
}
