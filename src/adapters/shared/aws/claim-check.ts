import { createHash } from 'node:crypto'
import type { Endpoint, ShownField } from '../../../core/adapter.ts'
import { MessageRefused } from '../../../core/errors.ts'
import type { Properties } from '../../../core/message.ts'
import type { Attribute, ReceivedAttribute } from './calls.ts'
import type { ClaimCheckFrom, ClaimCheckTo } from './claim-check-options.ts'

/**
 * The format of AWS's extended clients (payloadoffloading-common 2.2.0, amazon-sqs-java-extended-client-lib 2.1.2,
 * sns-extended-client 2.1.0): the object is the body as UTF-8, the message's body is a pointer, and an attribute says how
 * many bytes the object has.
 */

/** An object in S3. */
export interface ObjectPlace {
  readonly bucket: string
  readonly key: string
}

/** A body that has to be stored before its message is sent. */
export interface Claim extends ObjectPlace {
  readonly text: string
}

/** When a body goes to S3, and where. */
export interface ToClaim {
  /** Bytes of a message, attributes included, above which it does. */
  readonly threshold: number
  claimOf(text: string): Claim
}

/** Where a received body is, and how many bytes it has by the word of the message. */
export interface Pointer extends ObjectPlace {
  readonly size: number
}

/** What the writer for SQS writes unless told otherwise, and all that its readers before 1.2 know. */
const legacySize = 'SQSLargePayloadSize'
/** What the writer for SNS writes; readers look for it first. */
const sizeName = 'ExtendedPayloadSize'

const reserved: readonly string[] = [sizeName, legacySize]

const pointerClass = 'software.amazon.payloadoffloading.PayloadS3Pointer'
/** That of the first version, which readers take as well. */
const oldPointerClass = 'com.amazon.sqs.javamessaging.MessageS3Pointer'

/** The attribute that says how many bytes the object has. */
export const sizeAttribute = (
  service: 'SQS' | 'SNS',
  bytes: number,
): Readonly<Record<string, Attribute>> => ({
  [service === 'SQS' ? legacySize : sizeName]: { DataType: 'Number', StringValue: String(bytes) },
})

/** Throws for a header with which a message that is no pointer would be taken for one. */
export function checkUnreserved(headers: Readonly<Record<string, unknown>>): void {
  const taken = reserved.find(name => Object.hasOwn(headers, name))
  if (taken !== undefined) {
    throw new MessageRefused(
      `the header ${taken} says that the body is in S3: a source with claim_check fetches it, and a target with claim_check takes the name for its own`,
    )
  }
}

/** As Jackson writes it, to the letter: the Java readers want the class. */
export const pointerTo = ({ bucket, key }: ObjectPlace): string =>
  JSON.stringify([pointerClass, { s3BucketName: bucket, s3Key: key }])

/**
 * The same delivery to the same place has the same key, so that what is sent again is stored once; with another body
 * (the mapping was changed meanwhile) it has another, so that no message finds an object that is not its own.
 */
export function toClaim(
  options: ClaimCheckTo | undefined,
  { connectionName, route }: Pick<Endpoint<unknown, unknown>, 'connectionName' | 'route'>,
  place: string,
  { deduplicationId }: Properties,
): ToClaim | undefined {
  if (!options) return undefined
  const { bucket, prefix, threshold } = options
  const claimOf = (text: string): Claim => {
    if (deduplicationId === undefined)
      throw new MessageRefused('the body goes to S3 under the id of its delivery, and the message has none')
    const names = JSON.stringify([connectionName, route, place, deduplicationId])
    const hash = createHash('sha256').update(names).update(text)
    return { bucket, key: `${prefix}${hash.digest('hex')}`, text }
  }
  return { threshold, claimOf }
}

type ReceivedAttributes = Readonly<Record<string, ReceivedAttribute>>

/**
 * Where the body of a message is that says of itself to be a pointer; undefined for any other. Throws MessageRefused for a
 * pointer that this source must not follow: everything in it is the word of whoever may send to the queue.
 */
export function pointerIn(
  body: string,
  attributes: ReceivedAttributes,
  { bucket, prefix, max_message_size: most }: ClaimCheckFrom,
): Pointer | undefined {
  const name = reserved.find(n => Object.hasOwn(attributes, n))
  if (name === undefined) return undefined
  const { s3BucketName, s3Key } = parsedPointer(body, name)
  const where = `the object ${JSON.stringify(s3Key)} in bucket ${JSON.stringify(s3BucketName)}`
  if (s3BucketName !== bucket)
    throw new MessageRefused(`its body is ${where}, and claim_check has bucket ${bucket}`)
  if (!s3Key.startsWith(prefix) || !isOrdinary(s3Key)) {
    throw new MessageRefused(
      `its body is ${where}, which is not below the prefix ${JSON.stringify(prefix)} of claim_check`,
    )
  }
  const { StringValue = '' } = attributes[name]!
  if (!/^\d{1,15}$/.test(StringValue)) {
    throw new MessageRefused(
      `its body is ${where}, and ${name} is no number of bytes: ${JSON.stringify(StringValue)}`,
    )
  }
  const size = Number(StringValue)
  if (size > most) {
    throw new MessageRefused(
      `its body is ${where} and has ${size} bytes; max_message_size of claim_check is ${most}`,
    )
  }
  return { bucket, key: s3Key, size }
}

function parsedPointer(
  body: string,
  name: string,
): { readonly s3BucketName: string; readonly s3Key: string } {
  try {
    const [type, { s3BucketName, s3Key }, ...more] = JSON.parse(body)
    const isKnown = [pointerClass, oldPointerClass].includes(type) && more.length === 0
    if (isKnown && typeof s3BucketName === 'string' && typeof s3Key === 'string')
      return { s3BucketName, s3Key }
  } catch {
    // The error below says it.
  }
  throw new MessageRefused(
    `the attribute ${name} says that the body is in S3, and the body is no pointer to it: ${JSON.stringify(body.slice(0, 100))}`,
  )
}

/** No step up, which whatever stands between might take: S3 itself takes a key as it is. At most 1,024 bytes (S3 user guide). */
const isOrdinary = (key: string): boolean =>
  key.isWellFormed() &&
  Buffer.byteLength(key) <= 1_024 &&
  !/[\p{Cc}\\]/u.test(key) &&
  !key.split('/').some(part => part === '.' || part === '..')

/** Without what only said that there is an object. */
export const withoutSize = (attributes: ReceivedAttributes): ReceivedAttributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !reserved.includes(name)))

/** The object that is stored before the message is sent. */
export const shownClaim = (claim: Claim | undefined): readonly ShownField[] =>
  claim === undefined
    ? []
    : [
        { section: 'S3 object', name: 'Bucket', value: claim.bucket },
        { section: 'S3 object', name: 'Key', value: claim.key },
        { section: 'S3 object', name: 'Body', value: claim.text },
      ]
