import { randomUUID } from 'node:crypto'
import type { IClientOptions } from 'mqtt'
import type { LinkLost } from '../../core/errors.ts'
import { type ConnectionOptions, clientIdOf, type SinkAt, type SourceAt } from './options.ts'
import { closedWithoutWord, type SessionMemory, sessionMemory } from './sessions.ts'

/** As whom a link connects, and to which session. */
export interface Session {
  readonly connection: ConnectionOptions
  readonly clientId: string
  readonly clean: boolean
  /** A packet that announces more bytes ends the connection. */
  readonly maxPacketSize: number
  /** What CONNECT says beside that in version 5. */
  readonly properties?: IClientOptions['properties']
  /** Called when a connection could not be opened. */
  notOpened(): void
  /** What to say of a connection that the peer closed without a word. */
  closedByPeer(opened: number, closed: number, cause?: Error): LinkLost
}

/** Never reconnects, never resubscribes, keeps no time: all that is done here and above. */
export function clientOptions({ connection, clientId, clean, properties }: Session): IClientOptions {
  return {
    clientId,
    protocolVersion: connection.version === 5 ? 5 : 4,
    clean,
    keepalive: Math.max(1, Math.ceil(connection.heartbeat / 1000)),
    ...(connection.username !== undefined && { username: connection.username }),
    ...(connection.password !== undefined && { password: connection.password.reveal() }),
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: connection.connect_timeout * 2,
    timerVariant: { set: () => 1, clear: () => {} },
    ...(connection.version === 5 && properties && { properties }),
  }
}

/** The session that the subscription of a source lies in. */
export function sourceSession(at: SourceAt): Session {
  const { connection, options } = at
  const clientId = clientIdOf(at)
  const clean = options.session !== 'persistent'
  const memory = sessionMemory(connection, clientId)
  return {
    connection,
    clientId,
    clean,
    // Never announced as Maximum Packet Size: a broker drops what is larger without a word (MQTT 5, 3.1.2.11.4).
    maxPacketSize: options.max_message_size,
    properties: {
      receiveMaximum: options.prefetch,
      topicAliasMaximum: 16,
      ...(!clean && { sessionExpiryInterval: seconds(options.session_expiry) }),
    },
    ...remembered(memory, clientId),
  }
}

/** A sink is sent acknowledgements and no messages. */
const largestAnswer = 2 ** 20

/**
 * A clean session: what is not confirmed is sent again as a new message, by the route. Without a `client_id` each link has
 * a name of its own, so that no other client, and no other bridge with the same configuration, is taken for it.
 */
export function sinkSession({ connection, connectionName, route, options }: SinkAt, trial: boolean): Session {
  const own = randomUUID().slice(0, 8)
  const fixed = options.client_id
  if (fixed === undefined || trial) {
    return {
      connection,
      clientId: fixed === undefined ? `sluice-${connectionName}-${route}-${own}` : `${fixed}-trial-${own}`,
      clean: true,
      maxPacketSize: largestAnswer,
      notOpened: () => {},
      closedByPeer: (_opened, _closed, cause) => closedWithoutWord(cause),
    }
  }
  return {
    connection,
    clientId: fixed,
    clean: true,
    maxPacketSize: largestAnswer,
    ...remembered(sessionMemory(connection, fixed), fixed),
  }
}

const remembered = (
  memory: SessionMemory,
  clientId: string,
): Pick<Session, 'notOpened' | 'closedByPeer'> => ({
  notOpened: () => memory.notOpened(),
  closedByPeer: (opened, closed, cause) => memory.closedByPeer(opened, closed, clientId, cause),
})

/** 0xFFFFFFFF means that the session never expires (MQTT 5, 3.1.2.11.2). */
const seconds = (milliseconds: number): number => Math.min(Math.ceil(milliseconds / 1000), 0xffff_ffff)
