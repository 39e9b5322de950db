import { z } from 'zod'
import { duration, secret } from '../options.ts'
import { claimCheckTo } from './claim-check-options.ts'

/** The connection of `sqs` and of `sns`: where AWS is and who we are there. */
export const awsConnection = z
  .strictObject({
    region: z
      .string()
      .min(1)
      .optional()
      .describe("AWS region; without it AWS's own chain decides (AWS_REGION, profile)"),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('address to call in place of the one of the region: a VPC endpoint or an emulator'),
    access_key_id: z
      .string()
      .min(1)
      .optional()
      .describe(
        "for emulators; without it AWS's own chain finds the credentials (environment, profile, role)",
      ),
    secret_access_key: secret.optional().describe('goes with access_key_id'),
  })
  .refine(o => (o.access_key_id === undefined) === (o.secret_access_key === undefined), {
    error: 'access_key_id and secret_access_key go together',
  })

export type AwsConnectionOptions = z.output<typeof awsConnection>

const attributes = z
  .strictObject({
    order: z
      .array(z.string().min(1))
      .default([])
      .describe(
        'names of headers, `x-*` for all that begin so, the most important first: they are the last to be packed. Before ' +
          'them come `traceparent`, `tracestate` and what begins with `sluice_`, after them the rest as the message has it',
      ),
    overflow: z
      .enum(['pack', 'refuse'])
      .optional()
      .describe(
        'pack: headers for which the ten attributes have no room, or whose names cannot be attributes, are JSON in the one ' +
          'attribute `sluice_headers`, which a source of Sluice takes apart again; refuse: the message becomes a dead ' +
          'letter. Without it pack, and on SQS refuse with `format: jms`, whose readers know nothing of it',
      ),
  })
  .prefault({})
  .describe('which headers are attributes, of which a message has ten at the most')

/** The keys that both sinks have beside their target. */
export const batchingSink = {
  attributes,
  send_timeout: duration
    .prefault('30s')
    .describe('time limit of a call; when it ends the result is unknown and the messages are sent again'),
  concurrency: z.int().min(1).max(512).default(64).describe('calls in flight, each of up to ten messages'),
  fifo_batches: z
    .enum(['one_per_group', 'fill'])
    .default('one_per_group')
    .describe(
      'FIFO only: one_per_group has one message of a group in flight; fill sends several of a group in one call, ' +
        'which is faster, and leaves them in any order when a call or one of its entries fails',
    ),
  claim_check: claimCheckTo,
}

/** What the bodies of a queue are. */
export const receivedBody = z
  .enum(['raw', 'sns'])
  .default('raw')
  .describe(
    'sns: the queue is subscribed to a topic without raw delivery, and each body is the JSON that SNS puts around ' +
      'a message; raw: the body is the message',
  )
