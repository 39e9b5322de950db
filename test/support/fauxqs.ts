import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { type FauxqsServer, startFauxqs } from 'fauxqs'
import { type AwsFaults, startAwsFaults } from './aws-faults.ts'

export interface TestAws extends AsyncDisposable {
  /** The emulator itself, where no fault is: for the test's own calls. */
  readonly directEndpoint: string
  /** The emulator behind `faults`: for what is tested. */
  readonly endpoint: string
  readonly faults: AwsFaults
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** The test's own clients, past the faults. */
  readonly sqs: SQSClient
  readonly sns: SNSClient
  /** fauxqs: inspectQueue(name) shows what is ready, delayed and in flight without receiving it. */
  readonly emulator: FauxqsServer
  /** Gives the queue's URL; a name that ends in .fifo makes it a FIFO queue. */
  createQueue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>
  /** Gives the topic's ARN; a name that ends in .fifo makes it a FIFO topic. */
  createTopic(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>
  /** Subscribes a queue (by URL) to a topic (by ARN); raw: the message as it is, no JSON around it. */
  subscribeQueue(topicArn: string, queueUrl: string, raw?: boolean): Promise<void>
  /**
   * Receives, with all attributes, and deletes until `expect` messages are there or the time (ms; seconds are
   * rounded up) is over, and gives what it has: fewer than expected when they did not come, more when they were
   * there at once.
   */
  drainQueue(queueUrl: string, options?: { expect?: number; timeout?: number }): Promise<Message[]>
  stop(): Promise<void>
}

export async function startAws(): Promise<TestAws> {
  const emulator = await startFauxqs({ port: 0, logger: false })
  const faults = await startAwsFaults(emulator.address)
  const region = 'eu-west-1'
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const settings = { endpoint: emulator.address, region, credentials }
  const sqs = new SQSClient(settings)
  const sns = new SNSClient(settings)
  const stop = async () => {
    sqs.destroy()
    sns.destroy()
    await faults.close()
    await emulator.stop()
  }

  return {
    directEndpoint: emulator.address,
    endpoint: faults.endpoint,
    faults,
    region,
    credentials,
    sqs,
    sns,
    emulator,
    async createQueue(name, attributes = {}) {
      const Attributes = { ...fifo('FifoQueue', name), ...attributes }
      return (await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }))).QueueUrl!
    },
    async createTopic(name, attributes = {}) {
      const Attributes = { ...fifo('FifoTopic', name), ...attributes }
      return (await sns.send(new CreateTopicCommand({ Name: name, Attributes }))).TopicArn!
    },
    async subscribeQueue(TopicArn, QueueUrl, raw = false) {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
      )
      const Endpoint = Attributes!.QueueArn!
      const subscription = {
        TopicArn,
        Endpoint,
        Protocol: 'sqs',
        Attributes: { RawMessageDelivery: String(raw) },
      }
      await sns.send(new SubscribeCommand(subscription))
    },
    drainQueue: (queueUrl, { expect = 1, timeout = 5_000 } = {}) => drain(sqs, queueUrl, expect, timeout),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

const fifo = (attribute: string, name: string) => (name.endsWith('.fifo') ? { [attribute]: 'true' } : {})

/** Four short receives at a time while messages come, one long one when none did: none is left received and lost. */
async function drain(sqs: SQSClient, queueUrl: string, expect: number, timeout: number): Promise<Message[]> {
  const deadline = performance.now() + timeout
  const messages: Message[] = []
  while (messages.length < expect) {
    const round = (await Promise.all([0, 1, 2, 3].map(() => receive(sqs, queueUrl, 0)))).flat()
    messages.push(...round)
    if (round.length > 0) continue
    const left = deadline - performance.now()
    if (left <= 0) break
    messages.push(...(await receive(sqs, queueUrl, Math.min(1, Math.ceil(left / 1_000)))))
  }
  return messages
}

async function receive(sqs: SQSClient, QueueUrl: string, WaitTimeSeconds: number): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds,
      MaxNumberOfMessages: 10,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  )
  if (Messages.length > 0) {
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
  }
  return Messages
}
