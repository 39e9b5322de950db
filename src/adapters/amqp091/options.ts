import { z } from 'zod'
import { brokerConnection, sourceCredit } from '../shared/options.ts'

export const connectionOptions = z
  .strictObject({
    ...brokerConnection({ amqp: { port: 5672, tls: false }, amqps: { port: 5671, tls: true } }),
  })
  .refine(o => o.username !== undefined || o.tls?.cert_file !== undefined, {
    path: ['username'],
    error: 'username and password are needed, or tls.cert_file to log in by certificate (SASL EXTERNAL)',
  })
  .describe('AMQP 0-9-1. The path of a URL is the virtual host, percent-encoded; without one it is "/"')

export const sourceOptions = z.strictObject({
  ...sourceCredit,
  queue: z
    .string()
    .min(1)
    .refine(name => Buffer.byteLength(name) <= 255, 'a queue name has at most 255 bytes')
    .describe('queue to consume; it must exist and is taken as it is, whatever it was declared with'),
  exclusive: z
    .boolean()
    .default(false)
    .describe('be the only consumer of the queue, so that order can be kept; refused while there is another'),
  priority: z
    .int()
    .min(-(2 ** 31))
    .max(2 ** 31 - 1)
    .optional()
    .describe('consumer priority (x-priority): consumers with a higher one are served first'),
})

export type ConnectionOptions = z.output<typeof connectionOptions>
export type SourceOptions = z.output<typeof sourceOptions>
