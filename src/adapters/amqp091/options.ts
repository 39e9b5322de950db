import { z } from 'zod'
import {
  brokerConnection,
  holdLimit,
  sinkTimeout,
  size,
  sourceCredit,
  sourceSize,
  template,
} from '../shared/options.ts'

export const connectionOptions = z
  .strictObject({
    ...brokerConnection({ amqp: { port: 5672, tls: false }, amqps: { port: 5671, tls: true } }),
  })
  .refine(o => o.username !== undefined || o.tls?.cert_file !== undefined, {
    path: ['username'],
    error: 'username and password are needed, or tls.cert_file to log in by certificate (SASL EXTERNAL)',
  })
  .describe('AMQP 0-9-1. The path of a URL is the virtual host, percent-encoded; without one it is "/"')

const queueName = z
  .string()
  .min(1)
  .refine(name => Buffer.byteLength(name) <= 255, 'a queue name has at most 255 bytes')

export const sourceOptions = z
  .strictObject({
    ...sourceCredit,
    ...sourceSize,
    ...holdLimit,
    queue: queueName.describe(
      'queue to consume; it must exist and is taken as it is, whatever it was declared with',
    ),
    exclusive: z
      .boolean()
      .default(false)
      .describe(
        'be the only consumer of the queue, so that order can be kept; refused while there is another. The broker keeps ' +
          'later ones away from a classic queue only: of a quorum queue write single_active_consumer',
      ),
    single_active_consumer: z
      .boolean()
      .default(false)
      .describe(
        'the queue was declared with x-single-active-consumer: order is kept, and other bridges may stand by',
      ),
    priority: z
      .int()
      .min(-(2 ** 31))
      .max(2 ** 31 - 1)
      .optional()
      .describe('consumer priority (x-priority): consumers with a higher one are served first'),
  })
  .refine(o => !(o.exclusive && o.single_active_consumer), {
    path: ['exclusive'],
    error: 'a queue with a single active consumer takes no exclusive one: write one of the two',
  })

export const sinkOptions = z
  .strictObject({
    ...sinkTimeout,
    queue: template.optional().describe('queue to send to; it must exist'),
    exchange: template.optional().describe('exchange to send to; it must exist'),
    routing_key: z.string().optional().describe('routing key of the exchange; without one it is empty'),
    address: template
      .optional()
      .describe('where a reply-to of the broker points: a queue, or a client that waits for a direct reply'),
    max_message_size: size
      .optional()
      .describe(
        "the broker's max_message_size, which it tells nobody; without it its default is taken: 16MiB from RabbitMQ 4 on, else 128MiB",
      ),
  })
  .refine(o => [o.queue, o.exchange, o.address].filter(place => place !== undefined).length === 1, {
    error: 'write one of queue, exchange and address',
  })
  .refine(o => o.routing_key === undefined || o.exchange !== undefined, {
    path: ['routing_key'],
    error: 'a routing key belongs to an exchange: write exchange',
  })

export type ConnectionOptions = z.output<typeof connectionOptions>
export type SourceOptions = z.output<typeof sourceOptions>
export type SinkOptions = z.output<typeof sinkOptions>
