import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A process of its own that answers like SQS: finding a queue, sending, receiving and deleting in batches, each after a delay
 * (argument, ms), and keeps no message. It counts what it confirmed and how old each message was by its attribute
 * `sent_at`. Its parent asks over IPC.
 */
const delay = Number(process.argv[2])
const queueUrl = 'http://127.0.0.1/000000000000/bench'
let confirmed = 0
let deleted = 0
/** Of messages that say when they were sent: their numbers, and how many came again. */
let numbers = new Set<string | undefined>()
let repeated = 0
let firstAt: number | undefined
let latencies: number[] = []

/** What is received never ends. */
let received = 0
const message = {
  Body: 'x'.repeat(1_024),
  Attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1700000000000' },
  MessageAttributes: {
    kind: { DataType: 'String', StringValue: 'order' },
    attempt: { DataType: 'Number.int', StringValue: '1' },
    number: { DataType: 'Number.long', StringValue: '1' },
  },
}

interface Request {
  readonly Entries: readonly Entry[]
  readonly MaxNumberOfMessages: number
}

interface Entry {
  readonly Id: string
  readonly MessageAttributes?: Record<string, { readonly StringValue?: string }>
}

const answers: Record<string, (request: Request) => object> = {
  GetQueueUrl: () => ({ QueueUrl: queueUrl }),
  GetQueueAttributes: () => ({
    Attributes: { MaximumMessageSize: '1048576', QueueArn: 'arn:aws:sqs:eu-west-1:0:bench' },
  }),
  ReceiveMessage: ({ MaxNumberOfMessages }) => ({
    Messages: Array.from({ length: MaxNumberOfMessages }, () => {
      const id = String(++received)
      return { ...message, MessageId: id, ReceiptHandle: id }
    }),
  }),
  DeleteMessageBatch: ({ Entries }) => {
    deleted += Entries.length
    return { Successful: Entries.map(({ Id }) => ({ Id })) }
  },
  ChangeMessageVisibilityBatch: ({ Entries }) => ({ Successful: Entries.map(({ Id }) => ({ Id })) }),
  SendMessageBatch: ({ Entries }) => {
    const now = Date.now()
    firstAt ??= now
    confirmed += Entries.length
    for (const { MessageAttributes } of Entries) {
      const sentAt = MessageAttributes?.sent_at?.StringValue
      if (!sentAt) continue
      latencies.push(now - Number(sentAt))
      const number = MessageAttributes?.number?.StringValue
      if (numbers.has(number)) repeated++
      numbers.add(number)
    }
    return {
      Successful: Entries.map(({ Id }) => ({ Id, MessageId: Id, MD5OfMessageBody: '0'.repeat(32) })),
      Failed: [],
    }
  },
}

function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
  const action = String(request.headers['x-amz-target']).split('.')[1] ?? ''
  const respond = () => {
    const result = answers[action]?.(JSON.parse(body.toString())) ?? {}
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(result))
  }
  if (delay === 0) respond()
  else setTimeout(respond, delay)
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => answer(request, response, Buffer.concat(chunks)))
})

process.on('message', (question: 'reset' | 'stats') => {
  if (question === 'reset') {
    confirmed = 0
    deleted = 0
    repeated = 0
    numbers = new Set()
    firstAt = undefined
    latencies = []
  }
  const sorted = latencies.toSorted((a, b) => a - b)
  const percentile = (p: number) => sorted[Math.floor((sorted.length - 1) * p)] ?? null
  process.send?.({ confirmed, deleted, repeated, firstAt, p50: percentile(0.5), p99: percentile(0.99) })
})
process.on('disconnect', () => process.exit())
server.listen(Number(process.argv[3] ?? 0), '127.0.0.1', () => {
  process.send?.({ port: (server.address() as AddressInfo).port })
})
