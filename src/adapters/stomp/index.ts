import type { Adapter } from '../../core/adapter.ts'
import type { StompPrepared } from './encode.ts'
import { type ConnectionOptions, connection, type SinkOptions, type SourceOptions } from './options.ts'
import { sink } from './sink.ts'
import { source } from './source.ts'

/** STOMP 1.0, 1.1 and 1.2 over TCP and TLS: ActiveMQ Classic (Amazon MQ), Artemis, RabbitMQ. */
export const stomp: Adapter<ConnectionOptions, SourceOptions, SinkOptions, StompPrepared> = {
  protocol: 'stomp',
  connection,
  source,
  sink,
}
