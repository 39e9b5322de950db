import type { Endpoint, LinkContext, ReadBack, StoredMessage } from '../../core/adapter.ts'
import { toError } from '../../core/errors.ts'
import { type Bucket, isForGood, openBucket } from '../shared/aws/claim-check-bucket.ts'
import { withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import type { S3SinkOptions } from './options.ts'

const never = new AbortController().signal

/** The objects under the prefix, oldest first. Needs s3:ListBucket and s3:GetObject, and to remove s3:DeleteObject. */
export function readBack(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, S3SinkOptions>,
  { signal }: LinkContext,
): Promise<ReadBack> {
  return withAws(options, signal, async (connection, release) => {
    const bucket = await openBucket(connection, options, own, own.send_timeout)
    let isOpen = true
    const close = async () => {
      if (isOpen) await release()
      isOpen = false
    }
    return { messages: messagesIn(bucket, own, signal), close }
  })
}

async function* messagesIn(
  bucket: Bucket,
  { prefix, bucket: name }: S3SinkOptions,
  signal: AbortSignal,
): AsyncGenerator<StoredMessage> {
  for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
    const page = await judged(bucket, 's3:ListBucket', bucket.calls.list(prefix, next))
    next = page.next
    for (const { key, size } of page.objects) {
      const found = await read(bucket, `s3://${name}/${key}`, key, size, signal)
      if (found) yield found
    }
  }
}

/** Undefined for one that somebody else has removed meanwhile. Throws where S3 does not answer or denies. */
async function read(
  bucket: Bucket,
  address: string,
  key: string,
  size: number,
  signal: AbortSignal,
): Promise<StoredMessage | undefined> {
  const about = { address, properties: {}, headers: {} }
  const remove = () => judged(bucket, 's3:DeleteObject', bucket.calls.delete(key))
  const found = { name: address, lost: never, remove }
  try {
    const bytes = await bucket.calls.get(key, size, signal)
    return { ...found, message: { ...about, body: { kind: 'bytes', bytes } } }
  } catch (thrown) {
    const error = toError(thrown)
    if (/^(NoSuchKey|NotFound)$/.test(error.name)) return undefined
    if (!isForGood(error)) throw bucket.judge('s3:GetObject').call(error)
    return { ...found, message: { ...about, body: { kind: 'none' } }, fault: error }
  }
}

async function judged<T>(bucket: Bucket, action: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw bucket.judge(action).call(error)
  }
}
