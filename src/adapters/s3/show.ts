import type { Endpoint, Limits, Shown, ShownField } from '../../core/adapter.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { metadataPrefix, type S3Prepared } from './codec.ts'
import type { S3SinkOptions } from './options.ts'

/** Of an object that is stored by one call (S3 user guide, "Uploading objects"). */
export const usualLimits = (): Limits => ({ maxMessageSize: 5 * 2 ** 30 })

/** The request of PutObject. The time in the key is that of sending. */
export function show(
  { options: { bucket, prefix } }: Endpoint<AwsConnectionOptions, S3SinkOptions>,
  { object, id }: S3Prepared,
): Shown {
  const fields: ShownField[] = [
    { name: 'Content-Type', value: object.contentType },
    ...(object.contentEncoding === undefined
      ? []
      : [{ name: 'Content-Encoding', value: object.contentEncoding }]),
    ...Object.entries(object.metadata ?? {}).map(([name, value]) => ({
      name: `${metadataPrefix}${name}`,
      value,
    })),
  ]
  return { address: `s3://${bucket}/${prefix}TIME-${id ?? 'RANDOM'}`, body: object.content, fields }
}
