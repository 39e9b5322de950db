import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { startFauxqs } from 'fauxqs'

const region = 'eu-west-1'

/**
 * SQS and SNS in this process, with the queues and the topic of the demo: consumers that count what arrived, a service that
 * answers questions, and commands for the plant.
 */
export async function startCloud() {
  const fauxqs = await startFauxqs({
    port: 0,
    logger: false,
    host: '127.0.0.1',
    defaultRegion: region,
  } as never)
  const address = `http://127.0.0.1:${fauxqs.port}`
  const url = (name: string, attributes: Record<string, string> = {}) =>
    fauxqs.createQueue(name, { region, attributes }).queueUrl
  const queues = {
    orders: [url('orders.fifo', { FifoQueue: 'true' })],
    telemetry: [url('telemetry')],
    alarms: [url('alarms-operators'), url('alarms-archive')],
    dead: [url('sluice-dead')],
  }
  const [commands, questions] = [url('commands'), url('questions')]
  url('answers')
  fauxqs.createTopic('alarms', { region })
  for (const queue of ['alarms-operators', 'alarms-archive']) {
    fauxqs.subscribe({ topic: 'alarms', queue, region, attributes: { RawMessageDelivery: 'true' } })
  }
  const client = new SQSClient({
    region,
    endpoint: address,
    credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
  })
  const stopping = new AbortController()
  const arrivals = new Map(
    Object.entries(queues).map(([name, urls]) => [name, urls.map(() => new Set<string>())]),
  )
  const consumers = Object.entries(queues).flatMap(([name, urls]) =>
    urls.map((queueUrl, i) => {
      const seen = arrivals.get(name)![i]!
      return consume(client, queueUrl, stopping.signal, async ({ Body }) => void seen.add(Body!))
    }),
  )
  consumers.push(consume(client, questions, stopping.signal, question => answer(client, address, question)))
  return {
    address,
    /** Different messages that arrived in every queue they were meant for. */
    arrived(name: keyof typeof queues): number {
      const [first, ...others] = arrivals.get(name)!
      return [...first!].filter(body => others.every(other => other.has(body))).length
    },
    /** Sends so many commands to the machines of the plant. */
    async command(machines: readonly string[], count: number, from: number) {
      for (let i = 0; i < count; i += 10) {
        const Entries = Array.from({ length: Math.min(10, count - i) }, (_, j) => ({
          Id: String(j),
          MessageBody: JSON.stringify({ command: from + i + j, speed: 100 }),
          MessageAttributes: { machine: attribute(machines[(from + i + j) % machines.length]!) },
        }))
        await client.send(new SendMessageBatchCommand({ QueueUrl: commands, Entries }))
      }
    },
    async close() {
      stopping.abort()
      await Promise.all(consumers)
      client.destroy()
      await fauxqs.stop()
    },
  }
}

const attribute = (StringValue: string) => ({ DataType: 'String', StringValue })

/** Answers to the queue that it finds in the question, and echoes the token: that is all a service has to do. */
async function answer(client: SQSClient, address: string, question: Message): Promise<void> {
  const { sluice_reply_to: queue, sluice_reply_token: token } = question.MessageAttributes ?? {}
  const number = Number(question.Body)
  await client.send(
    new SendMessageCommand({
      QueueUrl: `${address}/000000000000/${queue!.StringValue}`,
      MessageBody: `${number} costs ${number * 3}`,
      MessageAttributes: { sluice_reply_token: attribute(token!.StringValue!) },
    }),
  )
}

/** Receives and deletes until it is stopped. */
async function consume(
  client: SQSClient,
  QueueUrl: string,
  signal: AbortSignal,
  take: (message: Message) => Promise<void>,
): Promise<void> {
  const receive = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: 10,
    WaitTimeSeconds: 1,
    MessageAttributeNames: ['All'],
  })
  while (!signal.aborted) {
    try {
      const { Messages = [] } = await client.send(receive, { abortSignal: signal })
      if (Messages.length === 0) continue
      await Promise.all(Messages.map(take))
      const entry = ({ ReceiptHandle }: Message, i: number) => ({
        Id: String(i),
        ReceiptHandle: ReceiptHandle!,
      })
      await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: Messages.map(entry) }))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
