import type { Adapter } from '../../core/adapter.ts'
import type { AmqpPrepared } from './encode.ts'
import { type ConnectionOptions, connectionOptions, type SinkOptions, type SourceOptions } from './options.ts'
import { sink } from './sink.ts'
import { source } from './source.ts'

/** AMQP 0-9-1: RabbitMQ 3 and 4, Amazon MQ for RabbitMQ. */
export const amqp091: Adapter<ConnectionOptions, SourceOptions, SinkOptions, AmqpPrepared> = {
  protocol: 'amqp091',
  connection: connectionOptions,
  source,
  sink,
}
