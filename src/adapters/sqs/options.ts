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
  wait: duration
    .refine(ms => ms >= 1_000 && ms <= 20_000 && ms % 1_000 === 0, {
      error: 'expected whole seconds from 1s to 20s',
    })
    .prefault('5s')
    .describe('how long a receive waits for a message; a stop waits for it to end'),
  call_timeout: duration.prefault('30s').describe('time limit of a call beyond that wait'),
})

export type SqsSourceOptions = z.output<typeof sourceOptions>

export type SqsSinkOptions = z.output<typeof sinkOptions>
