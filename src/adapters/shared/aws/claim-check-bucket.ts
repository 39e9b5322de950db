import { toError } from '../../../core/errors.ts'
import type { AwsConnection } from './connection.ts'
import { asked, checked, whereOf } from './opening.ts'
import type { AwsConnectionOptions } from './options.ts'
import type { S3Calls } from './s3-calls.ts'
import { type Doing, type Judge, judge } from './verdict.ts'

/** A bucket that was found. */
export interface Bucket {
  readonly calls: S3Calls
  /** What the failure of an action, as IAM names it, means. */
  judge(action: string): Judge
  /** Throws as `Sink.check` does. */
  check(signal: AbortSignal): Promise<void>
}

/**
 * Finds a bucket, with the region and the credentials of the connection. Needs s3:ListBucket, without which S3 says of an
 * object that is not there that it may not be read. The SDK is loaded by the first that needs it.
 */
export async function openBucket(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  { bucket, endpoint }: { readonly bucket: string; readonly endpoint?: string | undefined },
  timeLimit: number,
): Promise<Bucket> {
  const { s3Calls } = await import('./s3-calls.ts')
  const address = endpoint ?? (isForOneService(options.endpoint) ? undefined : options.endpoint)
  const calls = s3Calls(connection, bucket, address, timeLimit)
  const doingIn = (where: string) => (action: string) =>
    ({ service: 'S3', action, target: `bucket ${bucket}`, where }) as const satisfies Doing
  const region = await asked(doingIn('')('finding the region'), calls.region())
  const doing = doingIn(whereOf({ endpoint: address }, region))
  await asked(doing('s3:ListBucket'), calls.headBucket())
  return {
    calls,
    judge: action => judge(doing(action)),
    check: signal => checked(doing('s3:ListBucket'), calls.headBucket(), signal),
  }
}

/** The hosts of AWS, those of VPC endpoints among them, are each for one service. */
const isForOneService = (endpoint: string | undefined): boolean =>
  endpoint === undefined || /(^|\.)amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)

/** Does it say that the object is not there, or is not one that can be read, so that it never will be? */
export const isForGood = (thrown: unknown): boolean =>
  /^(WrongSize|NoSuchKey|NotFound|InvalidObjectState|InvalidRequest|InvalidArgument|KeyTooLongError)$/.test(
    toError(thrown).name,
  )
