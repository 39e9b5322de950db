import { randomUUID } from 'node:crypto'
import type { Endpoint } from '../../core/adapter.ts'
import { inTurn } from '../shared/in-turn.ts'
import { type Lease, SharedConnections } from '../shared/shared-connections.ts'
import { AmqpConnection } from './connection.ts'
import { consumerTimeout, type Dialect, dialectOf } from './dialect.ts'
import type { ConnectionOptions } from './options.ts'

const dialects = new WeakMap<ConnectionOptions, Dialect>()

/** How long the broker lets messages be held; of one that was never reached, the shortest of all. */
export const holdLimit = (options: ConnectionOptions): number =>
  dialects.get(options)?.holdLimit ?? consumerTimeout

/** The broker as it was when it was reached last, or one that nobody has named. */
export const knownDialect = (options: ConnectionOptions): Dialect => dialects.get(options) ?? dialectOf()

/** Has the broker been reached, and said who it is? */
export const isKnown = (options: ConnectionOptions): boolean => dialects.has(options)

/** Without an id that a running bridge may have. Else the same options, so that its targets know the broker from now on. */
export const beside = (connection: ConnectionOptions): ConnectionOptions =>
  connection.client_id === undefined ? connection : { ...connection, client_id: undefined }

/** Each link has a session. RabbitMQ 4 takes 64 on a connection; half of them are for questions and for links by address. */
const connections = new SharedConnections<ConnectionOptions, AmqpConnection>(({ sessions }) =>
  Math.floor(sessions / 2),
)

/**
 * The connection of an endpoint. Routes share it, or as few as have sessions for all, except those with a durable subscription: the broker files the
 * subscription under the container id, which therefore must be the same after a restart and belong to this route only.
 * Any other connection has a new id each time, because ActiveMQ refuses the id of a connection that it has not yet
 * noticed to be dead. `client_id` names it for all.
 */
export async function leaseConnection(
  at: Endpoint<ConnectionOptions, { readonly subscription?: string | undefined }>,
  signal: AbortSignal,
): Promise<Lease<AmqpConnection>> {
  const { connection: options } = at
  const durable = at.options.subscription !== undefined
  const id = () => `sluice-${at.connectionName}-${durable ? at.route : randomUUID().slice(0, 8)}`
  const never = new AbortController().signal
  const connect = (until: AbortSignal) =>
    inTurn(options.urls, until, async url => {
      const connection = await AmqpConnection.open(url, options, options.client_id ?? id())
      dialects.set(options, connection.dialect)
      return connection
    })
  if (options.shared && (options.client_id !== undefined || !durable)) {
    return connections.lease(options, () => connect(never), signal)
  }
  const alone = new SharedConnections<ConnectionOptions, AmqpConnection>()
  return alone.lease(options, () => connect(signal), signal)
}
