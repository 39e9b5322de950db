import { addAbortSignal, type Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { type AwsConnection, bounded } from './connection.ts'

export interface StoredObject {
  readonly key: string
  readonly content: Uint8Array
  readonly contentType: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** What is asked of one bucket. Throws what the client threw: `judge` (verdict.ts) knows what it means. */
export interface S3Calls {
  region(): Promise<string>
  /** Is there the bucket? Needs s3:ListBucket. */
  headBucket(): Promise<void>
  put(object: StoredObject): Promise<void>
  /** The object with so many bytes; throws WrongSize for one with any other number, of which it reads no more. */
  get(key: string, size: number, signal: AbortSignal): Promise<Buffer>
  delete(key: string): Promise<void>
  /** One page of the objects whose keys begin so, by key; `next` asks for the page after it. Needs s3:ListBucket. */
  list(prefix: string, next?: string): Promise<ListedObjects>
}

export interface ListedObjects {
  readonly objects: readonly { readonly key: string; readonly size: number }[]
  readonly next?: string
}

/** The object has another size than was said. */
export class WrongSize extends Error {
  override readonly name = 'WrongSize'
}

/** Milliseconds that each mebibyte adds to the time limit of its call. */
const perMebibyte = 1_000

/** S3 by the AWS SDK, for one bucket. `endpoint` is for emulators and the like: in the path, since they have no names for buckets. */
export function s3Calls(
  connection: AwsConnection,
  bucket: string,
  endpoint: string | undefined,
  timeLimit: number,
): S3Calls {
  const { endpoint: _, ...config } = connection.config(timeLimit)
  const client = new S3Client({
    ...config,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    // The contexts that it would share hold the checksums of one call.
    cacheMiddleware: false,
  })
  connection.adopt(client.config.credentials)
  client.middlewareStack.remove('loggerMiddleware')
  const limitOf = (bytes: number) => timeLimit + Math.ceil(bytes / 1_048_576) * perMebibyte
  return {
    region: () => client.config.region(),
    async headBucket() {
      const command = new HeadBucketCommand({ Bucket: bucket })
      await bounded(timeLimit, abortSignal => client.send(command, { abortSignal }))
    },
    async put({ key, content, contentType, contentEncoding, metadata }) {
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: content,
        ContentType: contentType,
        ...(contentEncoding !== undefined && { ContentEncoding: contentEncoding }),
        ...(metadata !== undefined && { Metadata: { ...metadata } }),
      })
      const limit = limitOf(content.length)
      await bounded(limit, abortSignal => client.send(command, { abortSignal, requestTimeout: limit }))
    },
    get: (key, size, signal) =>
      bounded(limitOf(size), async given => {
        const abortSignal = AbortSignal.any([given, signal])
        const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal })
        const body = addAbortSignal(abortSignal, answer.Body as Readable)
        return contentOf(body, answer.ContentLength, size)
      }),
    async delete(key) {
      const command = new DeleteObjectCommand({ Bucket: bucket, Key: key })
      await bounded(timeLimit, abortSignal => client.send(command, { abortSignal }))
    },
    async list(prefix, next) {
      const command = new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: next })
      const answer = await bounded(timeLimit, abortSignal => client.send(command, { abortSignal }))
      const token = answer.IsTruncated ? answer.NextContinuationToken : undefined
      return {
        objects: (answer.Contents ?? []).map(({ Key = '', Size = 0 }) => ({ key: Key, size: Size })),
        ...(token !== undefined && { next: token }),
      }
    },
  }
}

/** Leaving the loop destroys the stream, and its socket. */
async function contentOf(
  body: AsyncIterable<Uint8Array>,
  length: number | undefined,
  size: number,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.length
    if (length !== undefined && length !== size) throw new WrongSize(`it has ${length} bytes`)
    if (bytes > size) throw new WrongSize(`it has ${bytes} bytes at least`)
    chunks.push(chunk)
  }
  if (bytes !== size) throw new WrongSize(`it has ${bytes} bytes`)
  return Buffer.concat(chunks, bytes)
}
