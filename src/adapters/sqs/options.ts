import { z } from 'zod'
import { batchingSink } from '../shared/aws/options.ts'
import { parseQueue } from './queue.ts'

export const sinkOptions = z.strictObject({
  queue: z
    .string()
    .refine(queue => parseQueue(queue) !== undefined, {
      error: 'expected the name, URL or ARN of a queue',
    })
    .describe('name, URL or ARN of the queue; one that ends in .fifo is a FIFO queue'),
  ...batchingSink,
})

export type SqsSinkOptions = z.output<typeof sinkOptions>
