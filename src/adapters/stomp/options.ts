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

const plain = { port: 61613, tls: false }
const tls = { port: 61614, tls: true }

export const connection = z.strictObject({
  ...brokerConnection({ stomp: plain, tcp: plain, stomps: tls, 'stomp+ssl': tls, ssl: tls }),
  vhost: z
    .string()
    .default('/')
    .describe('virtual host of RabbitMQ; sent as the host header, which other brokers ignore'),
  broker: z
    .enum(['activemq', 'artemis', 'rabbitmq'])
    .optional()
    .describe('whose dialect to speak, where the broker does not name itself when connecting'),
})

/** Exactly one of the three. */
export interface Place {
  readonly queue?: string | undefined
  readonly topic?: string | undefined
  readonly address?: string | undefined
}

const hasOnePlace = ({ queue, topic, address }: Place): boolean =>
  [queue, topic, address].filter(a => a !== undefined).length === 1

const onePlace = { error: 'expected exactly one of queue, topic and address' }

export const source = z
  .strictObject({
    queue: z.string().min(1).optional().describe('name of a queue'),
    topic: z.string().min(1).optional().describe('name or pattern of a topic'),
    address: z.string().min(1).optional().describe('a STOMP destination, sent as it is'),
    subscription: z
      .string()
      .min(1)
      .optional()
      .describe(
        'durable subscription of this name to the topic; without it what is published while we are away is gone',
      ),
    client_id: z
      .string()
      .min(1)
      .optional()
      .describe('owner of the durable subscription; without it made of the names of connection and route'),
    selector: z.string().min(1).optional().describe('SQL-like expression over headers; not on RabbitMQ'),
    exclusive: z
      .boolean()
      .default(false)
      .describe(
        'be the only consumer of the queue, for order: ActiveMQ Classic does it, elsewhere the queue must say so',
      ),
    transformation: z
      .string()
      .min(1)
      .optional()
      .describe(
        'ActiveMQ Classic: jms-map-json has a MapMessage written as JSON text (by XStream, which must be in the broker); without it the body of a MapMessage or ObjectMessage is empty over STOMP, where AMQP 1.0 carries both',
      ),
    ...sourceCredit,
    ...holdLimit,
    prefetch_bytes: size
      .prefault('1MiB')
      .describe('the same in bytes for Artemis, which counts bytes and not messages'),
    ...sourceSize,
  })
  .refine(hasOnePlace, onePlace)
  .refine(o => o.subscription === undefined || o.queue === undefined, {
    error: 'a durable subscription is to a topic, not to a queue',
    path: ['subscription'],
  })

export const sink = z
  .strictObject({
    queue: template.optional().describe('name of a queue; on RabbitMQ it has to be there'),
    topic: template.optional().describe('name of a topic'),
    address: template
      .optional()
      .describe('a STOMP destination, sent as it is: the reply-to of a message, or `/exchange/NAME/KEY`'),
    max_message_size: size
      .optional()
      .describe(
        'what the broker takes, where it was configured otherwise: larger messages are refused; without it 100MiB, on RabbitMQ 4 4MiB',
      ),
    ...sinkTimeout,
  })
  .refine(hasOnePlace, onePlace)

export type ConnectionOptions = z.output<typeof connection>
export type SourceOptions = z.output<typeof source>
export type SinkOptions = z.output<typeof sink>
