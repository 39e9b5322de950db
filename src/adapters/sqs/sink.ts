import type { Endpoint, LinkContext, Sink } from '../../core/adapter.ts'
import { BatchingSink } from '../shared/aws/batching-sink.ts'
import type { SqsCalls } from '../shared/aws/calls.ts'
import { asked, checked, whereOf, withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { sqsCalls } from '../shared/aws/sqs-calls.ts'
import { type Doing, judge } from '../shared/aws/verdict.ts'
import type { SqsPrepared } from './codec.ts'
import type { SqsSinkOptions } from './options.ts'
import { parseQueue, type Queue } from './queue.ts'

/** All entries of a SendMessageBatch call together, and the most a queue takes of one message (API reference). */
const mebibyte = 1_048_576

/** Finds the queue, and what it takes. Needs sqs:GetQueueAttributes beside sqs:SendMessage, and sqs:GetQueueUrl for names. */
export function openSink(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  { signal }: LinkContext,
): Promise<Sink<SqsPrepared>> {
  return withAws(options, signal, async (connection, release) => {
    const calls = sqsCalls(connection, own.send_timeout)
    const target = `queue ${own.queue}`
    const doing = (action: string, where: string): Doing => ({ service: 'SQS', action, target, where })
    const region = await asked(doing('finding the region', ''), calls.region())
    const where = whereOf(options, region)
    const queue = parseQueue(own.queue)!
    if (queue.region !== undefined && queue.region !== region) {
      throw new Error(`${target} is in region ${queue.region} and its connection in ${region}`)
    }
    const url = queue.url ?? (await urlOf(queue, calls, doing('sqs:GetQueueUrl', where)))
    const asking = doing('sqs:GetQueueAttributes', where)
    const { MaximumMessageSize } = await asked(asking, calls.queueAttributes(url))
    return new BatchingSink<SqsPrepared>({
      limits: { maxMessageSize: Number(MaximumMessageSize ?? mebibyte) },
      batching: {
        call: batch =>
          calls.sendBatch(
            url,
            batch.map(p => p.entry),
          ),
        judge: judge(doing('sqs:SendMessage', where)),
        maxBytes: mebibyte,
        concurrency: own.concurrency,
        perGroup: own.fifo_batches === 'fill' ? 'many' : 'one',
      },
      check: s => checked(asking, calls.queueAttributes(url), s),
      release,
    })
  })
}

const urlOf = (queue: Queue, calls: SqsCalls, doing: Doing): Promise<string> =>
  asked(doing, calls.queueUrl(queue.name, queue.account))
