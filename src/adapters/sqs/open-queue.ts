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

/** Finds the queue and what it is. Needs sqs:GetQueueAttributes, and sqs:GetQueueUrl for names. Throws a sentence. */
export async function openQueue(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  written: string,
  timeLimit: number,
): Promise<OpenQueue> {
  const calls = sqsCalls(connection, timeLimit)
  const target = `queue ${written}`
  const doingIn = (where: string) => (action: string) => ({ service: 'SQS', action, target, where }) as const
  const region = await asked(doingIn('')('finding the region'), calls.region())
  const doing = doingIn(whereOf(options, region))
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
