import type { Endpoint, Limits } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { sns } from '../shared/aws/attributes.ts'
import type { Batchable } from '../shared/aws/batcher.ts'
import type { SnsEntry } from '../shared/aws/calls.ts'
import { encode } from '../shared/aws/encode.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import type { SnsSinkOptions } from './options.ts'

export interface SnsPrepared extends Batchable {
  readonly entry: SnsEntry
}

/** A message as an entry of PublishBatch: all that SNS forbids is found here, since emulators take it. */
export function prepare(
  { options }: Endpoint<AwsConnectionOptions, SnsSinkOptions>,
  limits: Limits,
  message: Message,
): SnsPrepared {
  const { text, attributes, fifo, size } = encode(message, sns, options.topic.endsWith('.fifo'), limits)
  const group = fifo.MessageGroupId
  const { subject } = message.properties
  return {
    entry: {
      Message: text,
      ...(options.subject && subject !== undefined && isSubject(subject) && { Subject: subject }),
      ...attributes,
      ...fifo,
    },
    size,
    ...(group !== undefined && { group }),
    ...(group !== undefined && options.fifo_batches === 'one_per_group' && { orderGroup: group }),
  }
}

/** ASCII, below 100 characters, beginning with a letter, digit or punctuation mark (API reference of Publish). */
const isSubject = (subject: string): boolean => /^[!-~][ -~]{0,98}$/.test(subject)
