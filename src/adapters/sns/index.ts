import type { Adapter } from '../../core/adapter.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type SnsPrepared } from './codec.ts'
import { type SnsSinkOptions, sinkOptions } from './options.ts'

/** Amazon SNS: standard and FIFO topics. */
export const sns: Adapter<AwsConnectionOptions, never, SnsSinkOptions, SnsPrepared> = {
  protocol: 'sns',
  connection: awsConnection,
  sink: {
    options: sinkOptions,
    // The SDK takes time and memory, and is loaded by the first sink that needs it.
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    address: ({ options: { topic } }) => topic,
    isOrdered: ({ options: { topic } }) => topic.endsWith('.fifo'),
    prepare,
  },
}
