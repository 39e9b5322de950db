import { z } from 'zod'
import { belongs, events, sinkFormat, sourceFormat } from '../shared/cloudevents/options.ts'
import {
  brokerConnection,
  holdLimit,
  sinkTimeout,
  sourceCredit,
  sourceSize,
  template,
} from '../shared/options.ts'

export const connectionOptions = z
  .strictObject({
    ...brokerConnection({ amqp: { port: 5672, tls: false }, amqps: { port: 5671, tls: true } }),
    client_id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'container id (the JMS client id); made from the names of connection and route where it is absent',
      ),
    hostname: z
      .string()
      .optional()
      .describe('hostname of the open frame; RabbitMQ takes `vhost:NAME` for the virtual host NAME'),
    shared: z
      .boolean()
      .default(true)
      .describe('one connection for all routes; false for brokers with one session a connection (IBM MQ)'),
  })
  .refine(o => o.password === undefined || o.username !== undefined, { error: 'a password needs a username' })

export type ConnectionOptions = z.output<typeof connectionOptions>

export const sourceOptions = z
  .strictObject({
    queue: z.string().min(1).optional().describe('queue to read, by its plain name'),
    topic: z.string().min(1).optional().describe('topic to read, by its plain name'),
    address: z
      .string()
      .min(1)
      .optional()
      .describe("source address in the broker's own dialect, sent as it is"),
    subscription: z
      .string()
      .min(1)
      .optional()
      .describe('name of the durable subscription on the topic, kept while nobody reads'),
    selector: z.string().min(1).optional().describe('JMS selector; the broker hands out only what matches'),
    exclusive: z
      .boolean()
      .default(false)
      .describe('be the only consumer of the queue (ActiveMQ consumer.exclusive); needed to keep an order'),
    format: sourceFormat,
    ...sourceCredit,
    ...sourceSize,
    ...holdLimit,
  })
  .refine(o => [o.queue, o.topic, o.address].filter(a => a !== undefined).length === 1, {
    error: 'exactly one of queue, topic and address',
  })
  .refine(o => o.subscription === undefined || o.queue === undefined, {
    error: 'a subscription belongs to a topic',
    path: ['subscription'],
  })

export type SourceOptions = z.output<typeof sourceOptions>

const sinkPlaces = ['queue', 'topic', 'exchange', 'address'] as const

export const sinkOptions = z
  .strictObject({
    queue: template.optional().describe('queue to send to, by its plain name'),
    topic: template.optional().describe('topic to send to, by its plain name (RabbitMQ: key at amq.topic)'),
    exchange: template.optional().describe('exchange to send to (RabbitMQ)'),
    routing_key: template
      .optional()
      .describe(
        'routing key at the exchange; absent: the empty one (RabbitMQ 3: the subject of the message)',
      ),
    address: template
      .optional()
      .describe("target address in the broker's own dialect, sent as it is; `${address}` for replies"),
    connections: z
      .int()
      .min(1)
      .max(16)
      .default(1)
      .describe(
        'connections to send over. ActiveMQ takes the durable messages of one connection one after the other; with more than one, ' +
          'messages keep an order only where the route has one (`ordering`)',
      ),
    format: sinkFormat,
    cloudevents: events,
    ...sinkTimeout,
  })
  .refine(belongs.holds, belongs.params)
  .refine(o => sinkPlaces.filter(name => o[name] !== undefined).length === 1, {
    error: 'exactly one of queue, topic, exchange and address',
  })
  .refine(o => o.routing_key === undefined || o.exchange !== undefined, {
    error: 'a routing key belongs to an exchange',
    path: ['routing_key'],
  })

export type SinkOptions = z.output<typeof sinkOptions>
