import { z } from 'zod'
import { size } from '../options.ts'

const mebibyte = 1_048_576

/** What AWS's extended clients take for a prefix (trimAndValidateS3KeyPrefix, 2.1.2); our keys are 64 characters longer. */
export const prefix = z
  .string()
  .refine(
    written => /^(?![./])[A-Za-z0-9./_-]*$/.test(written) && !written.includes('..') && written.length <= 960,
    { error: 'expected at most 960 letters, digits and . / _ -, beginning with neither . nor /, without ..' },
  )
  .default('')

/** Buckets of today, and those that were made before 2018 (S3 user guide, bucket naming rules). */
export const bucket = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/, { error: 'expected the name of a bucket' })

const place = {
  bucket: bucket.describe('bucket, in the region of the connection and used with its credentials'),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'address of S3 in place of that of the region; without it the endpoint of the connection where there is one, unless it ' +
        'is one of AWS itself, which is for one service only',
    ),
}

/** Of a target. */
export const claimCheckTo = z
  .strictObject({
    ...place,
    prefix: prefix.describe('what the keys of the objects begin with'),
    threshold: size
      .refine(bytes => bytes <= mebibyte, { error: 'expected at most 1MiB' })
      .prefault('256KiB')
      .describe(
        'bytes of a message, attributes included, above which its body goes to S3; where the queue or topic takes less, that counts',
      ),
  })
  .optional()
  .describe(
    'bodies of large messages are stored in S3, and what is sent is a pointer, as the extended clients of AWS do. Without it, ' +
      'a message that is too large is dead-lettered',
  )

/** Of a source. */
export const claimCheckFrom = z
  .strictObject({
    ...place,
    prefix: prefix.describe(
      'what the keys must begin with: pointers to anything else are dead-lettered, unresolved',
    ),
    max_message_size: size
      .refine(bytes => bytes <= 256 * mebibyte, { error: 'expected at most 256MiB' })
      .prefault('64MiB')
      .describe('bodies of more bytes are dead-lettered as they came, unresolved'),
    delete: z
      .boolean()
      .default(false)
      .describe(
        'delete the object once its message was deleted; not where others read it too (several queues on one topic) or the ' +
          'queue may hand a message out twice',
      ),
  })
  .optional()
  .describe('bodies that are in S3, as the extended clients of AWS put them there, are fetched')

export type ClaimCheckTo = NonNullable<z.output<typeof claimCheckTo>>
export type ClaimCheckFrom = NonNullable<z.output<typeof claimCheckFrom>>
