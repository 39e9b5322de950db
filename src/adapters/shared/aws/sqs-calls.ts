import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { SqsCalls, SqsEntry } from './calls.ts'
import { type AwsConnection, bounded } from './connection.ts'
import { type BatchAnswer, resultsOf, withId } from './entries.ts'

/** SQS by the AWS SDK. One object for one queue. */
export function sqsCalls(connection: AwsConnection, timeLimit: number): SqsCalls {
  // The SDK would hash each body again to compare it with what SQS stored, after it was stored.
  const client = new SQSClient({ ...connection.config(timeLimit), md5: false })
  connection.adopt(client.config.credentials)
  // It copies each request and answer for a log that nobody reads: a tenth of the time of a call.
  client.middlewareStack.remove('loggerMiddleware')
  return {
    region: () => client.config.region(),
    async queueUrl(name, account) {
      const input = { QueueName: name, ...(account !== undefined && { QueueOwnerAWSAccountId: account }) }
      const answer = await bounded(timeLimit, client.send(new GetQueueUrlCommand(input)))
      return answer.QueueUrl ?? ''
    },
    async queueAttributes(QueueUrl) {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
      return (await bounded(timeLimit, client.send(command))).Attributes ?? {}
    },
    async sendBatch(QueueUrl, entries: readonly SqsEntry[]) {
      const command = new SendMessageBatchCommand({ QueueUrl, Entries: entries.map(withId) })
      const answer: BatchAnswer = await bounded(timeLimit, client.send(command))
      return resultsOf(entries.length, answer)
    },
  }
}
