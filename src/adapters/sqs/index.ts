import type { Adapter } from '../../core/adapter.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type SqsPrepared } from './codec.ts'
import { type SqsSinkOptions, sinkOptions } from './options.ts'
import { openSink } from './sink.ts'

/** Amazon SQS: standard and FIFO queues. */
export const sqs: Adapter<AwsConnectionOptions, never, SqsSinkOptions, SqsPrepared> = {
  protocol: 'sqs',
  connection: awsConnection,
  sink: { options: sinkOptions, open: openSink, prepare },
}
