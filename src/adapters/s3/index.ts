import type { Adapter } from '../../core/adapter.ts'
import { type AwsConnectionOptions, awsConnection } from '../shared/aws/options.ts'
import { prepare, type S3Prepared } from './codec.ts'
import { type S3SinkOptions, sinkOptions } from './options.ts'
import { show, usualLimits } from './show.ts'

/** Amazon S3: an object for each message; as a place for dead letters it takes any size. */
export const s3: Adapter<AwsConnectionOptions, never, S3SinkOptions, S3Prepared> = {
  protocol: 's3',
  connection: awsConnection,
  sink: {
    options: sinkOptions,
    // The SDK takes time and memory, and is loaded by the first sink that needs it.
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    readBack: async (at, _purpose, context) => (await import('./read-back.ts')).readBack(at, context),
    prepare,
    usualLimits,
    show,
  },
}
