import { z } from 'zod'
import { batchingSink, receivedBody } from '../shared/aws/options.ts'
import { duration, sourceCredit } from '../shared/options.ts'
import { parseQueue } from './queue.ts'

const queue = z
  .string()
  .refine(written => parseQueue(written) !== undefined, {
    error: 'expected the name, URL or ARN of a queue',
  })
  .describe('name, URL or ARN of the queue; one that ends in .fifo is a FIFO queue')

export const sinkOptions = z.strictObject({ queue, ...batchingSink })

export const sourceOptions = z.strictObject({
  queue,
  ...sourceCredit,
  body: receivedBody,
  pollers: z.int().min(1).max(64).default(16).describe('receives at a time, at most, while messages come'),
  wait: z
    .int()
    .min(0)
    .max(20)
    .default(5)
    .describe('seconds that a receive waits for a message; stopping waits for it to end'),
  call_timeout: duration.prefault('30s').describe('time limit of a call beyond that wait'),
})

export type SqsSourceOptions = z.output<typeof sourceOptions>

export type SqsSinkOptions = z.output<typeof sinkOptions>
