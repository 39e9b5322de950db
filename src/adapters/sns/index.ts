import type { Adapter } from '../../core/adapter.ts'
import { isTemplate } from '../../core/template.ts'
import { orderGroupOf } from '../shared/aws/fifo.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type SnsPrepared } from './codec.ts'
import { type SnsSinkOptions, sinkOptions } from './options.ts'
import { show, usualLimits } from './show.ts'

/** Amazon SNS: standard and FIFO topics. */
export const sns: Adapter<AwsConnectionOptions, never, SnsSinkOptions, SnsPrepared> = {
  protocol: 'sns',
  connection: awsConnection,
  sink: {
    options: sinkOptions,
    // The SDK takes time and memory, and is loaded by the first sink that needs it.
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    address: ({ options: { topic } }) => topic,
    isOrdered: ({ options: { topic, fifo_batches } }) =>
      topic.endsWith('.fifo') && fifo_batches === 'one_per_group',
    orderGroup: ({ options: { topic, fifo_batches } }, message) =>
      orderGroupOf(isTemplate(topic) ? message.address : topic, fifo_batches, message),
    prepare,
    usualLimits,
    show,
  },
}
