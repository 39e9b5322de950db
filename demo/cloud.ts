import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { startFauxqs } from 'fauxqs'

const region = 'eu-west-1'

/** SQS and SNS in this process, with the queues and the topic of the demo, and consumers that count what arrived. */
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
    urls.map((queueUrl, i) => consume(client, queueUrl, arrivals.get(name)![i]!, stopping.signal)),
  )
  return {
    address,
    /** Different messages that arrived in every queue they were meant for. */
    arrived(name: keyof typeof queues): number {
      const [first, ...others] = arrivals.get(name)!
      return [...first!].filter(body => others.every(other => other.has(body))).length
    },
    async close() {
      stopping.abort()
      await Promise.all(consumers)
      client.destroy()
      await fauxqs.stop()
    },
  }
}

/** Receives and deletes until it is stopped; remembers the bodies, which are all different. */
async function consume(
  client: SQSClient,
  QueueUrl: string,
  seen: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 1 })
      const { Messages = [] } = await client.send(receive, { abortSignal: signal })
      if (Messages.length === 0) continue
      for (const { Body } of Messages) seen.add(Body!)
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
