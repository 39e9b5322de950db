import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Attribute, SqsCalls, SqsEntry } from './calls.ts'
import { type AwsConnection, bounded } from './connection.ts'
import { type BatchAnswer, resultsOf, withId } from './entries.ts'
import { JsonCall } from './json-call.ts'

/** SQS: by the AWS SDK, except for what is called for every message. One object for one queue. */
export function sqsCalls(connection: AwsConnection, timeLimit: number): SqsCalls {
  const client = new SQSClient(connection.config(timeLimit))
  connection.adopt(client.config.credentials)
  const lean = new JsonCall(client, connection.http, timeLimit)
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
      const input = { QueueUrl, Entries: entries.map(written) }
      const answer: BatchAnswer = await bounded(timeLimit, lean.send('AmazonSQS.SendMessageBatch', input))
      return resultsOf(entries.length, answer)
    },
  }
}

/** As JSON has it: bytes in base64. */
function written(entry: SqsEntry, position: number) {
  const { MessageAttributes: attributes } = entry
  if (attributes === undefined || !Object.values(attributes).some(isBinary)) return withId(entry, position)
  const texts = Object.entries(attributes).map(([name, { BinaryValue: bytes, ...rest }]) => [
    name,
    bytes === undefined ? rest : { ...rest, BinaryValue: Buffer.from(bytes).toString('base64') },
  ])
  return withId({ ...entry, MessageAttributes: Object.fromEntries(texts) }, position)
}

const isBinary = ({ BinaryValue }: Attribute): boolean => BinaryValue !== undefined
