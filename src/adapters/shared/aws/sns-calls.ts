import { GetTopicAttributesCommand, PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns'
import type { SnsCalls, SnsEntry } from './calls.ts'
import { type AwsConnection, bounded } from './connection.ts'
import { type BatchAnswer, numbered, resultsOf } from './entries.ts'

/** SNS by the AWS SDK. One object for one topic, or for all that are in one place. */
export function snsCalls(connection: AwsConnection, timeLimit: number): SnsCalls {
  const client = new SNSClient(connection.config(timeLimit))
  connection.adopt(client.config.credentials)
  // As in sqs-calls.ts: copies for a log that nobody reads.
  client.middlewareStack.remove('loggerMiddleware')
  return {
    region: () => client.config.region(),
    async topicAttributes(TopicArn) {
      const command = new GetTopicAttributesCommand({ TopicArn })
      return (await bounded(timeLimit, abortSignal => client.send(command, { abortSignal }))).Attributes ?? {}
    },
    async publishBatch(TopicArn, entries: readonly SnsEntry[]) {
      const PublishBatchRequestEntries = numbered(entries)
      const command = new PublishBatchCommand({
        TopicArn,
        PublishBatchRequestEntries: [...PublishBatchRequestEntries],
      })
      const answer: BatchAnswer = await bounded(timeLimit, abortSignal =>
        client.send(command, { abortSignal }),
      )
      return resultsOf(PublishBatchRequestEntries, answer)
    },
  }
}
