import { PublishCommand } from '@aws-sdk/client-sns'
import {
  DeleteMessageBatchCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs'
import { INVALID_MESSAGE_BODY_CHAR as forbidden } from '../../../node_modules/fauxqs/dist/sqs/sqsTypes.js'
import type { Value } from '../../../src/core/value.ts'
import type { TestAws } from '../../support/fauxqs.ts'
import { specimenName } from '../aspects.ts'
import { hex, quoted } from '../show.ts'
import { type Client, type Seen, withCarried } from './client.ts'

// fauxqs 2.4.1 refuses what lies above U+FFFF, which SQS takes (API reference of SendMessage). `compile` changes its expression.
forbidden.compile('[^\\t\\n\\r -\\ud7ff\\ue000-\\ufffd\\u{10000}-\\u{10ffff}]', 'u')

/** SQS, and SNS through a queue that is subscribed with raw delivery, by AWS's SDK. */
export function awsClient(aws: TestAws, protocol: 'sqs' | 'sns'): Client {
  const urls = new Map<string, string>()
  const topics = new Map<string, string>()
  const running: Promise<void>[] = []
  let closed = false
  const receiveAll = async (QueueUrl: string, seen: (seen: Seen) => void) => {
    const asked = {
      QueueUrl,
      WaitTimeSeconds: 1,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
    }
    while (!closed) {
      const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand(asked))
      if (Messages.length === 0) continue
      for (const message of Messages) seen(readMessage(message))
      const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
      await aws.sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    }
  }
  return {
    connection: {
      protocol,
      endpoint: aws.directEndpoint,
      region: aws.region,
      access_key_id: aws.credentials.accessKeyId,
      secret_access_key: aws.credentials.secretAccessKey,
    },
    source: place => ({ queue: place, wait: '1s' }),
    sink: place => (protocol === 'sqs' ? { queue: place } : { topic: topics.get(place)! }),
    async make(place) {
      urls.set(place, await aws.createQueue(place))
      if (protocol === 'sqs') return
      topics.set(place, await aws.createTopic(place))
      await aws.subscribeQueue(topics.get(place)!, urls.get(place)!, true)
    },
    async receive(place, seen) {
      running.push(receiveAll(urls.get(place)!, seen))
    },
    async send(place, specimens) {
      for (const { id, body, headers } of specimens) {
        if (body.kind !== 'text') throw new Error(`SQS has no body of ${body.kind}`)
        const own = Object.entries(headers).map(([name, value]) => [name, wire(value)] as const)
        const MessageAttributes = {
          [specimenName]: { DataType: 'String', StringValue: id },
          ...Object.fromEntries(own),
        }
        const text = body.text
        await (protocol === 'sqs'
          ? aws.sqs.send(
              new SendMessageCommand({ QueueUrl: urls.get(place)!, MessageBody: text, MessageAttributes }),
            )
          : aws.sns.send(
              new PublishCommand({ TopicArn: topics.get(place)!, Message: text, MessageAttributes }),
            ))
      }
    },
    close: async () => {
      closed = true
      await Promise.allSettled(running)
    },
  }
}

/** As the Java library for SQS writes a property of JMS, and Python or JavaScript a plain one. */
const javaTypes: Readonly<Record<string, string>> = {
  int8: 'Number.byte',
  int16: 'Number.short',
  int32: 'Number.int',
  int64: 'Number.long',
  float32: 'Number.float',
  float64: 'Number.double',
  decimal: 'Number',
}

function wire(value: Value): MessageAttributeValue {
  if (value.type === 'string') return { DataType: 'String', StringValue: value.value }
  if (value.type === 'bytes') return { DataType: 'Binary', BinaryValue: value.value }
  if (value.type === 'bool') return { DataType: 'Number.Boolean', StringValue: value.value ? '1' : '0' }
  const DataType = javaTypes[value.type]
  if (DataType === undefined || !('value' in value)) throw new Error(`SQS has no ${value.type}`)
  return { DataType, StringValue: String(value.value) }
}

function readMessage({ Body = '', MessageAttributes = {} }: Message): Seen {
  const headers = Object.entries(MessageAttributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
    name,
    `${DataType} ${BinaryValue ? hex(BinaryValue) : DataType?.startsWith('Number') ? StringValue : quoted(StringValue ?? '')}`,
  ])
  const packed = Object.keys(JSON.parse(MessageAttributes.sluice_headers?.StringValue ?? '{}'))
  return {
    specimen: MessageAttributes[specimenName]?.StringValue ?? '',
    body: quoted(Body),
    headers: Object.fromEntries([...headers, ...packed.map(name => [name, '`sluice_headers`'])]),
    properties: withCarried({}, MessageAttributes.sluice_properties?.StringValue),
  }
}
