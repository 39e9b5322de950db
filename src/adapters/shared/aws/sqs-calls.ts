import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { Attribute, EntryResult, SqsCalls, SqsEntry, SqsReceived } from './calls.ts'
import { type AwsConnection, bounded } from './connection.ts'
import { type BatchAnswer, numbered, resultsOf } from './entries.ts'
import { JsonCall, unreadable } from './json-call.ts'

/** SQS: by the AWS SDK, except for what is called for every message. One object for one queue, or for all that are in one place. */
export function sqsCalls(connection: AwsConnection, timeLimit: number): SqsCalls {
  const client = new SQSClient(connection.config(timeLimit))
  connection.adopt(client.config.credentials)
  const lean = new JsonCall(client, connection.http)
  const batch = async (
    action: string,
    QueueUrl: string,
    entries: readonly object[],
  ): Promise<EntryResult[]> => {
    const Entries = numbered(entries)
    const call = (signal: AbortSignal) =>
      lean.send(`AmazonSQS.${action}`, { QueueUrl, Entries }, timeLimit, signal)
    const answer: BatchAnswer = await bounded(timeLimit, call)
    return resultsOf(Entries, answer)
  }
  return {
    region: () => client.config.region(),
    async queueUrl(name, account) {
      const input = { QueueName: name, ...(account !== undefined && { QueueOwnerAWSAccountId: account }) }
      const answer = await bounded(timeLimit, abortSignal =>
        client.send(new GetQueueUrlCommand(input), { abortSignal }),
      )
      return answer.QueueUrl ?? ''
    },
    async queueAttributes(QueueUrl) {
      const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] })
      return (await bounded(timeLimit, abortSignal => client.send(command, { abortSignal }))).Attributes ?? {}
    },
    sendBatch: (url, entries) => batch('SendMessageBatch', url, entries.map(written)),
    async receive(QueueUrl, { count, wait, visibility }, signal) {
      const input = {
        QueueUrl,
        MaxNumberOfMessages: count,
        WaitTimeSeconds: wait,
        VisibilityTimeout: visibility,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }
      const limit = wait * 1_000 + timeLimit
      const answer = await bounded(limit, given =>
        lean.send('AmazonSQS.ReceiveMessage', input, limit, AbortSignal.any([given, signal])),
      )
      return receivedOf(answer)
    },
    deleteBatch: (url, handles) =>
      batch(
        'DeleteMessageBatch',
        url,
        handles.map(ReceiptHandle => ({ ReceiptHandle })),
      ),
    changeVisibilityBatch: (url, handles, VisibilityTimeout) =>
      batch(
        'ChangeMessageVisibilityBatch',
        url,
        handles.map(ReceiptHandle => ({ ReceiptHandle, VisibilityTimeout })),
      ),
  }
}

/** Checked as far as we go by it. Without a receipt handle there is nothing that could be done with a message. */
function receivedOf({ Messages }: { readonly Messages?: unknown }): readonly SqsReceived[] {
  if (Messages === undefined || Messages === null) return []
  if (Array.isArray(Messages) && Messages.every(isReceived)) return Messages
  const error = new Error(
    `messages of a shape that SQS does not have: ${JSON.stringify(Messages).slice(0, 200)}`,
  )
  throw Object.assign(error, { name: unreadable })
}

const isReceived = (m: Loose | null): boolean =>
  typeof m?.ReceiptHandle === 'string' &&
  isTextOrAbsent(m.Body) &&
  isTextOrAbsent(m.MessageId) &&
  isMapOf(m.Attributes, value => typeof value === 'string') &&
  isMapOf(m.MessageAttributes, attribute => {
    const { DataType, StringValue, BinaryValue } = (attribute ?? { DataType: 0 }) as Loose
    return [DataType, StringValue, BinaryValue].every(isTextOrAbsent)
  })

type Loose = Readonly<Record<string, unknown>>
const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === 'string'
const isMapOf = (map: unknown, is: (value: unknown) => boolean): boolean =>
  map === undefined || (typeof map === 'object' && map !== null && Object.values(map).every(is))

/** As JSON has it: bytes in base64. */
function written(entry: SqsEntry): object {
  const { MessageAttributes: attributes } = entry
  if (attributes === undefined || !Object.values(attributes).some(isBinary)) return entry
  const texts = Object.entries(attributes).map(([name, { BinaryValue: bytes, ...rest }]) => [
    name,
    bytes === undefined ? rest : { ...rest, BinaryValue: Buffer.from(bytes).toString('base64') },
  ])
  return { ...entry, MessageAttributes: Object.fromEntries(texts) }
}

const isBinary = ({ BinaryValue }: Attribute): boolean => BinaryValue !== undefined
