import type { Adapter } from '../../core/adapter.ts'
import { isTemplate } from '../../core/template.ts'
import { orderGroupOf } from '../shared/aws/fifo.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type SqsPrepared } from './codec.ts'
import { type SqsSinkOptions, type SqsSourceOptions, sinkOptions, sourceOptions } from './options.ts'
import { parseQueue } from './queue.ts'
import { show, usualLimits } from './show.ts'

/** An hour before SQS hands a message out again whatever was extended, 12 h after its receipt. */
const holdLimit = 11 * 60 * 60 * 1_000

/** Amazon SQS: standard and FIFO queues. */
export const sqs: Adapter<AwsConnectionOptions, SqsSourceOptions, SqsSinkOptions, SqsPrepared> = {
  protocol: 'sqs',
  connection: awsConnection,
  source: {
    options: sourceOptions,
    canReject: false,
    holdLimit: () => holdLimit,
    // SQS itself keeps the order of each group, whoever else receives.
    orderProblem: ({ options: { queue } }, ordering) => {
      if (!queue.endsWith('.fifo'))
        return 'a standard queue of SQS has no order: read a FIFO queue (NAME.fifo)'
      return ordering === 'strict'
        ? 'SQS has an order within each message group only: write ordering: by_group'
        : undefined
    },
    reads: ({ options: { queue } }, address) =>
      isTemplate(address) || parseQueue(address)?.name === parseQueue(queue)?.name,
    async peek() {
      throw new Error(
        'SQS cannot look at a message: to receive it hides it from consumers for a while and counts, and a redrive policy moves what was received too often',
      )
    },
    open: async (at, deliver, context) => (await import('./source.ts')).openSource(at, deliver, context),
  },
  sink: {
    options: sinkOptions,
    // The SDK takes time and memory, and is loaded by the first sink that needs it.
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    readBack: async (at, _purpose, context) => (await import('./read-back.ts')).readBack(at, context),
    address: ({ options: { queue } }) => queue,
    isOrdered: ({ options: { queue, fifo_batches } }) =>
      queue.endsWith('.fifo') && fifo_batches === 'one_per_group',
    orderGroup: ({ options: { queue, fifo_batches } }, message) =>
      orderGroupOf(isTemplate(queue) ? message.address : queue, fifo_batches, message),
    prepare,
    usualLimits,
    show,
  },
}
