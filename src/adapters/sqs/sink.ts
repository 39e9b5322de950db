import type { Endpoint, Limits, LinkContext, Sink } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import { BatchingSink } from '../shared/aws/batching-sink.ts'
import type { SqsCalls } from '../shared/aws/calls.ts'
import { openClaimStore } from '../shared/aws/claim-check-store.ts'
import type { AwsConnection } from '../shared/aws/connection.ts'
import { answered, asked, checked, withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { type Place, PlacesSink } from '../shared/aws/places-sink.ts'
import { type Doing, judge } from '../shared/aws/verdict.ts'
import type { SqsPrepared } from './codec.ts'
import { type OpenSqs, openQueue, openSqs } from './open-queue.ts'
import type { SqsSinkOptions } from './options.ts'
import { parseQueue } from './queue.ts'

/** All entries of a SendMessageBatch call together, and the most a queue takes of one message (API reference). */
const mebibyte = 1_048_576

/**
 * Finds the queue, and what it takes; where a template chooses the queue, only that SQS is there. Needs
 * sqs:GetQueueAttributes beside sqs:SendMessage, and sqs:GetQueueUrl for names and templates.
 */
export function openSink(
  at: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  { signal }: LinkContext,
): Promise<Sink<SqsPrepared>> {
  const open = isTemplate(at.options.queue) ? openMany : openOne
  return withAws(at.connection, signal, (connection, release) => open(at, connection, release))
}

async function openOne(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  connection: AwsConnection,
  release: () => Promise<void>,
): Promise<Sink<SqsPrepared>> {
  const { url, calls, attributes, doing } = await openQueue(connection, options, own.queue, own.send_timeout)
  const claims = await openClaimStore(connection, options, own)
  return new BatchingSink<SqsPrepared>({
    limits: limitsOf(attributes),
    batching: { ...batchesTo(url, calls, doing, own), concurrency: own.concurrency },
    check: s => checked(doing('sqs:GetQueueAttributes'), calls.queueAttributes(url), s),
    claims,
    release,
  })
}

async function openMany(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  connection: AwsConnection,
  release: () => Promise<void>,
): Promise<Sink<SqsPrepared>> {
  const { queue: template, send_timeout, concurrency } = own
  const sqs = await openSqs(connection, options, `queue ${template}`, send_timeout)
  const asking = {
    service: 'SQS',
    action: 'sqs:GetQueueUrl',
    target: `queue ${template}`,
    where: sqs.where,
  } as const
  await asked(asking, answered(sqs.calls.queueUrl(nowhere, undefined)))
  const claims = await openClaimStore(connection, options, own)
  return new PlacesSink<SqsPrepared>({
    limits: { maxMessageSize: mebibyte },
    concurrency,
    find: async written => {
      const { url, attributes, doing } = await findChosen(sqs, written)
      return { limits: limitsOf(attributes), batching: batchesTo(url, sqs.calls, doing, own, true) }
    },
    check: s => checked(asking, answered(sqs.calls.queueUrl(nowhere, undefined)), s),
    claims,
    release,
  })
}

/** Whether there is such a queue does not matter: that SQS says so does. */
const nowhere = 'sluice-is-sqs-there'

/** One that a template chose. By its name and account, since a URL that somebody wrote could lead anywhere. */
async function findChosen({ calls, region, where }: OpenSqs, written: string) {
  const queue = parseQueue(written)!
  const target = `queue ${written}`
  const doing = (action: string) => ({ service: 'SQS', action, target, where }) as const
  if (queue.region !== undefined && queue.region !== region) {
    throw new MessageRefused(`${target} is in region ${queue.region} and its connection in ${region}`)
  }
  let action = 'sqs:GetQueueUrl'
  try {
    const url = await calls.queueUrl(queue.name, queue.account)
    action = 'sqs:GetQueueAttributes'
    return { url, attributes: await calls.queueAttributes(url), doing }
  } catch (error) {
    throw judge(doing(action), true).call(error)
  }
}

const limitsOf = ({ MaximumMessageSize = mebibyte }: Readonly<Record<string, string | number>>): Limits => ({
  maxMessageSize: Number(MaximumMessageSize),
})

const batchesTo = (
  url: string,
  calls: SqsCalls,
  doing: (action: string) => Doing,
  { fifo_batches }: SqsSinkOptions,
  isChosen = false,
): Place<SqsPrepared>['batching'] => ({
  call: batch => {
    const entries = batch.map(p => p.entry)
    return calls.sendBatch(url, entries)
  },
  judge: judge(doing('sqs:SendMessage'), isChosen),
  maxBytes: mebibyte,
  perGroup: fifo_batches === 'fill' ? 'many' : 'one',
})
