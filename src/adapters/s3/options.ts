import { z } from 'zod'
import { bucket, prefix } from '../shared/aws/claim-check-options.ts'
import { sinkTimeout } from '../shared/options.ts'

export const sinkOptions = z.strictObject({
  bucket: bucket.describe('bucket, in the region of the connection'),
  prefix: prefix.describe(
    'what the keys of the objects begin with; the time of sending and the id of the delivery follow',
  ),
  ...sinkTimeout,
  concurrency: z.int().min(1).max(512).default(64).describe('calls in flight, each with one object'),
})

export type S3SinkOptions = z.output<typeof sinkOptions>
