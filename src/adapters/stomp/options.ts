import { z } from 'zod'
import { brokerConnection, size, sourceCredit } from '../shared/options.ts'

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
    prefetch_bytes: size
      .prefault('1MiB')
      .describe('the same in bytes for Artemis, which counts bytes and not messages'),
    max_message_size: size
      .prefault('128MiB')
      .describe('a larger message ends the connection, so that a broken peer cannot eat the memory'),
  })
  .refine(o => [o.queue, o.topic, o.address].filter(a => a !== undefined).length === 1, {
    error: 'expected exactly one of queue, topic and address',
  })
  .refine(o => o.subscription === undefined || o.queue === undefined, {
    error: 'a durable subscription is to a topic, not to a queue',
    path: ['subscription'],
  })

export type ConnectionOptions = z.output<typeof connection>
export type SourceOptions = z.output<typeof source>
