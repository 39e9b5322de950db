import type { Endpoint, LinkContext, Sink } from '../../core/adapter.ts'
import { BatchingSink } from '../shared/aws/batching-sink.ts'
import { asked, checked, whereOf, withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { snsCalls } from '../shared/aws/sns-calls.ts'
import { type Doing, judge } from '../shared/aws/verdict.ts'
import type { SnsPrepared } from './codec.ts'
import type { SnsSinkOptions } from './options.ts'

/** What a topic takes that says nothing else (API reference of GetTopicAttributes). */
const defaultLimit = 262_144

/** Finds the topic, and what it takes. Needs sns:GetTopicAttributes beside sns:Publish. */
export function openSink(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, SnsSinkOptions>,
  { signal }: LinkContext,
): Promise<Sink<SnsPrepared>> {
  return withAws(options, signal, async (connection, release) => {
    const calls = snsCalls(connection, own.send_timeout)
    const { topic } = own
    const doing = (action: string, where: string): Doing => ({
      service: 'SNS',
      action,
      target: `topic ${topic}`,
      where,
    })
    const region = await asked(doing('finding the region', ''), calls.region())
    const itsRegion = topic.split(':')[3]!
    if (itsRegion !== region) {
      throw new Error(`topic ${topic} is in region ${itsRegion} and its connection in ${region}`)
    }
    const where = whereOf(options, region)
    const asking = doing('sns:GetTopicAttributes', where)
    const attributes = await asked(asking, calls.topicAttributes(topic))
    const maxMessageSize = Number(attributes.MaximumMessageSize ?? defaultLimit)
    return new BatchingSink<SnsPrepared>({
      limits: { maxMessageSize },
      batching: {
        call: batch =>
          calls.publishBatch(
            topic,
            batch.map(p => p.entry),
          ),
        judge: judge(doing('sns:Publish', where)),
        // The limit of one message is that of all entries of a call together (API reference of PublishBatch).
        maxBytes: maxMessageSize,
        concurrency: own.concurrency,
        perGroup: own.fifo_batches === 'fill' ? 'many' : 'one',
      },
      check: s => checked(asking, calls.topicAttributes(topic), s),
      release,
    })
  })
}
