import type { Adapter } from '../../core/adapter.ts'
import { type ConnectionOptions, connection, type SourceOptions } from './options.ts'
import { source } from './source.ts'

/** STOMP 1.0, 1.1 and 1.2 over TCP and TLS: ActiveMQ Classic (Amazon MQ), Artemis, RabbitMQ. */
export const stomp: Adapter<ConnectionOptions, SourceOptions, never> = {
  protocol: 'stomp',
  connection,
  source,
}
