import type { Endpoint, LinkContext, Sink } from '../../core/adapter.ts'
import { BatchingSink } from '../shared/aws/batching-sink.ts'
import { checked, withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { judge } from '../shared/aws/verdict.ts'
import type { SqsPrepared } from './codec.ts'
import { openQueue } from './open-queue.ts'
import type { SqsSinkOptions } from './options.ts'

/** All entries of a SendMessageBatch call together, and the most a queue takes of one message (API reference). */
const mebibyte = 1_048_576

/** Finds the queue, and what it takes. Needs sqs:GetQueueAttributes beside sqs:SendMessage, and sqs:GetQueueUrl for names. */
export function openSink(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  { signal }: LinkContext,
): Promise<Sink<SqsPrepared>> {
  return withAws(options, signal, async (connection, release) => {
    const { url, calls, attributes, doing } = await openQueue(
      connection,
      options,
      own.queue,
      own.send_timeout,
    )
    return new BatchingSink<SqsPrepared>({
      limits: { maxMessageSize: Number(attributes.MaximumMessageSize ?? mebibyte) },
      batching: {
        call: batch =>
          calls.sendBatch(
            url,
            batch.map(p => p.entry),
          ),
        judge: judge(doing('sqs:SendMessage')),
        maxBytes: mebibyte,
        concurrency: own.concurrency,
        perGroup: own.fifo_batches === 'fill' ? 'many' : 'one',
      },
      check: s => checked(doing('sqs:GetQueueAttributes'), calls.queueAttributes(url), s),
      release,
    })
  })
}
