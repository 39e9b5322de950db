import type { Endpoint, Limits } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { sqs } from '../shared/aws/attributes.ts'
import type { Batchable } from '../shared/aws/batcher.ts'
import type { SqsEntry } from '../shared/aws/calls.ts'
import { encode } from '../shared/aws/encode.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import type { SqsSinkOptions } from './options.ts'

export interface SqsPrepared extends Batchable {
  readonly entry: SqsEntry
}

/** A message as an entry of SendMessageBatch: all that SQS forbids is found here, since emulators take it. */
export function prepare(
  { options: { queue, fifo_batches } }: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  limits: Limits,
  message: Message,
): SqsPrepared {
  const { text, attributes, fifo, size } = encode(message, sqs, queue.endsWith('.fifo'), limits)
  const group = fifo.MessageGroupId
  return {
    entry: { MessageBody: text, ...attributes, ...fifo },
    size,
    ...(group !== undefined && { group }),
    ...(group !== undefined && fifo_batches === 'one_per_group' && { orderGroup: group }),
  }
}
