import type { IClientOptions } from 'mqtt'
import { clientIdOf, type SourceAt } from './options.ts'

/** Never reconnects, never resubscribes, keeps no time: all that is done here and above. */
export function clientOptions(at: SourceAt): IClientOptions {
  const { connection, options } = at
  const persistent = options.session === 'persistent'
  return {
    clientId: clientIdOf(at),
    protocolVersion: connection.version === 5 ? 5 : 4,
    clean: !persistent,
    keepalive: Math.max(1, Math.ceil(connection.heartbeat / 1000)),
    ...(connection.username !== undefined && { username: connection.username }),
    ...(connection.password !== undefined && { password: connection.password.reveal() }),
    reconnectPeriod: 0,
    resubscribe: false,
    connectTimeout: connection.connect_timeout * 2,
    timerVariant: { set: () => 1, clear: () => {} },
    ...(connection.version === 5 && {
      properties: {
        receiveMaximum: options.prefetch,
        topicAliasMaximum: 16,
        ...(persistent && { sessionExpiryInterval: seconds(options.session_expiry) }),
      },
    }),
  }
}

/** 0xFFFFFFFF means that the session never expires (MQTT 5, 3.1.2.11.2). */
const seconds = (milliseconds: number): number => Math.min(Math.ceil(milliseconds / 1000), 0xffff_ffff)
