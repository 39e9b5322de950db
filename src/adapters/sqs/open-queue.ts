import type { SqsCalls } from '../shared/aws/calls.ts'
import type { AwsConnection } from '../shared/aws/connection.ts'
import { asked, whereOf } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { sqsCalls } from '../shared/aws/sqs-calls.ts'
import type { Doing } from '../shared/aws/verdict.ts'
import { parseQueue, type Queue } from './queue.ts'

export interface OpenQueue {
  readonly url: string
  readonly calls: SqsCalls
  readonly attributes: Readonly<Record<string, string>>
  /** For the sentence of an error: what was being done there, e.g. `sqs:SendMessage`. */
  doing(action: string): Doing
}

export interface OpenSqs {
  readonly calls: SqsCalls
  readonly region: string
  /** The region, and the endpoint where one is configured, for sentences. */
  readonly where: string
}

/** Knows its region, and has asked nothing yet. `target` is for the sentence of an error. */
export async function openSqs(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  target: string,
  timeLimit: number,
): Promise<OpenSqs> {
  const calls = sqsCalls(connection, timeLimit)
  const doing = { service: 'SQS', action: 'finding the region', target, where: '' } as const
  const region = await asked(doing, calls.region())
  return { calls, region, where: whereOf(options, region) }
}

/** Finds the queue and what it is. Needs sqs:GetQueueAttributes, and sqs:GetQueueUrl for names. Throws a sentence. */
export async function openQueue(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  written: string,
  timeLimit: number,
): Promise<OpenQueue> {
  const target = `queue ${written}`
  const { calls, region, where } = await openSqs(connection, options, target, timeLimit)
  const doing = (action: string) => ({ service: 'SQS', action, target, where }) as const
  const queue = parseQueue(written)!
  if (queue.region !== undefined && queue.region !== region) {
    throw new Error(`${target} is in region ${queue.region} and its connection in ${region}`)
  }
  const url = queue.url ?? (await urlOf(queue, calls, doing('sqs:GetQueueUrl')))
  const attributes = await asked(doing('sqs:GetQueueAttributes'), calls.queueAttributes(url))
  return { url, calls, attributes, doing }
}

const urlOf = (queue: Queue, calls: SqsCalls, doing: Doing): Promise<string> =>
  asked(doing, calls.queueUrl(queue.name, queue.account))
