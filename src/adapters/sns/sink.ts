import type { Endpoint, Limits, LinkContext, Sink } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import { BatchingSink } from '../shared/aws/batching-sink.ts'
import type { SnsCalls } from '../shared/aws/calls.ts'
import { type ClaimStore, openClaimStore } from '../shared/aws/claim-check-store.ts'
import type { AwsConnection } from '../shared/aws/connection.ts'
import { answered, asked, checked, whereOf, withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { type Place, PlacesSink } from '../shared/aws/places-sink.ts'
import { snsCalls } from '../shared/aws/sns-calls.ts'
import { type Doing, judge } from '../shared/aws/verdict.ts'
import type { SnsPrepared } from './codec.ts'
import type { SnsSinkOptions } from './options.ts'

type At = Endpoint<AwsConnectionOptions, SnsSinkOptions>

/** What a topic takes that says nothing else, and what any can be made to take (API reference of GetTopicAttributes). */
const [defaultLimit, largestLimit] = [262_144, 1_048_576]

interface OpenSns {
  readonly calls: SnsCalls
  readonly region: string
  doing(action: string, topic: string): Doing
}

/**
 * Finds the topic, and what it takes; where a template chooses the topic, only that SNS is there. Needs
 * sns:GetTopicAttributes beside sns:Publish.
 */
export function openSink(
  { connection: options, options: own }: At,
  { signal }: LinkContext,
): Promise<Sink<SnsPrepared>> {
  const open = isTemplate(own.topic) ? openMany : openOne
  return withAws(options, signal, async (connection, release) => {
    const opened = await openSns(connection, options, own)
    return open(opened, own, await openClaimStore(connection, options, own), release)
  })
}

async function openSns(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  { topic, send_timeout }: SnsSinkOptions,
): Promise<OpenSns> {
  const calls = snsCalls(connection, send_timeout)
  const doingIn = (where: string) => (action: string, target: string) =>
    ({ service: 'SNS', action, target: `topic ${target}`, where }) as const
  const region = await asked(doingIn('')('finding the region', topic), calls.region())
  return { calls, region, doing: doingIn(whereOf(options, region)) }
}

async function openOne(
  { calls, region, doing }: OpenSns,
  own: SnsSinkOptions,
  claims: ClaimStore | undefined,
  release: () => Promise<void>,
): Promise<Sink<SnsPrepared>> {
  const { topic, concurrency } = own
  const problem = regionProblem(topic, region)
  if (problem !== undefined) throw new Error(problem)
  const asking = doing('sns:GetTopicAttributes', topic)
  const limits = limitsOf(await asked(asking, calls.topicAttributes(topic)))
  return new BatchingSink<SnsPrepared>({
    limits,
    batching: {
      ...batchesTo(topic, calls, limits, own),
      judge: judge(doing('sns:Publish', topic)),
      concurrency,
    },
    check: s => checked(asking, calls.topicAttributes(topic), s),
    claims,
    release,
  })
}

async function openMany(
  { calls, region, doing }: OpenSns,
  own: SnsSinkOptions,
  claims: ClaimStore | undefined,
  release: () => Promise<void>,
): Promise<Sink<SnsPrepared>> {
  const asking = doing('sns:GetTopicAttributes', own.topic)
  // Whether there is such a topic does not matter: that SNS says so does.
  const isThere = () =>
    answered(calls.topicAttributes(`arn:aws:sns:${region}:000000000000:sluice-is-sns-there`))
  await asked(asking, isThere())
  return new PlacesSink<SnsPrepared>({
    limits: { maxMessageSize: largestLimit },
    concurrency: own.concurrency,
    find: async topic => {
      const problem = regionProblem(topic, region)
      if (problem !== undefined) throw new MessageRefused(problem)
      const limits = limitsOf(
        await calls.topicAttributes(topic).catch(error => {
          throw judge(doing('sns:GetTopicAttributes', topic), true).call(error)
        }),
      )
      const ruling = judge(doing('sns:Publish', topic), true)
      return { limits, batching: { ...batchesTo(topic, calls, limits, own), judge: ruling } }
    },
    check: s => checked(asking, isThere(), s),
    claims,
    release,
  })
}

function regionProblem(topic: string, region: string): string | undefined {
  const own = topic.split(':')[3]
  return own === region ? undefined : `topic ${topic} is in region ${own} and its connection in ${region}`
}

const limitsOf = ({
  MaximumMessageSize = defaultLimit,
}: Readonly<Record<string, string | number>>): Limits => ({
  maxMessageSize: Number(MaximumMessageSize),
})

const batchesTo = (
  topic: string,
  calls: SnsCalls,
  { maxMessageSize }: Limits,
  { fifo_batches }: SnsSinkOptions,
): Omit<Place<SnsPrepared>['batching'], 'judge'> => ({
  call: batch => {
    const entries = batch.map(p => p.entry)
    return calls.publishBatch(topic, entries)
  },
  // The limit of one message is that of all entries of a call together (API reference of PublishBatch).
  maxBytes: maxMessageSize,
  perGroup: fifo_batches === 'fill' ? 'many' : 'one',
})
