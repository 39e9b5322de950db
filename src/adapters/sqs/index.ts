import type { Adapter } from '../../core/adapter.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type SqsPrepared } from './codec.ts'
import { type SqsSinkOptions, sinkOptions } from './options.ts'

/** Amazon SQS: standard and FIFO queues. */
export const sqs: Adapter<AwsConnectionOptions, never, SqsSinkOptions, SqsPrepared> = {
  protocol: 'sqs',
  connection: awsConnection,
  sink: {
    options: sinkOptions,
    // The SDK takes time and memory, and is loaded by the first sink that needs it.
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    prepare,
  },
}
