import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import {
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { sns } from '../../src/adapters/sns/index.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { text } from '../../src/core/value.ts'
import { startAws } from './aws.ts'
import type { TcpAddress } from './fixture.ts'
import { type SinkPromise, sinkConformance } from './sink-conformance.ts'
import { Mailbox, type SinkExample, type SinkFixture } from './sink-fixture.ts'
import { withSink } from './sink-promises/bench.ts'

const region = 'eu-west-1'

type Aws = Awaited<ReturnType<typeof startAws>>

/** The body that `sluice_properties` describe, as anybody can read them. */
function bodyOf({ Body = '', MessageAttributes = {} }: Message): Buffer {
  const { encoding } = JSON.parse(MessageAttributes.sluice_properties?.StringValue ?? '{}')
  if (encoding === 'empty') return Buffer.alloc(0)
  return Buffer.from(Body, encoding === 'base64' ? 'base64' : 'utf8')
}

const title = 'headers by their types'

/** `long` is the type that the service has for an int64 of any size. */
const examples = (long: string): readonly SinkExample<Message>[] => [
  {
    title,
    message: {
      body: { kind: 'text', text: 'Grüße' },
      headers: {
        tenant: text('é'),
        count: { type: 'int64', value: 9_223_372_036_854_775_807n },
        yes: { type: 'bool', value: true },
        raw: { type: 'bytes', value: Buffer.of(0, 255) },
      },
      properties: { correlationId: text('c-1') },
    },
    check({ Body, MessageAttributes = {} }) {
      assert.equal(Body, 'Grüße')
      const { tenant, count, yes, raw, sluice_properties: ours } = MessageAttributes
      assert.deepEqual([tenant!.DataType, tenant!.StringValue], ['String', 'é'])
      assert.deepEqual([count!.DataType, count!.StringValue], [long, '9223372036854775807'])
      assert.deepEqual([yes!.DataType, yes!.StringValue], ['Number.Boolean', '1'])
      assert.deepEqual(Buffer.from(raw!.BinaryValue!), Buffer.of(0, 255))
      assert.equal(JSON.parse(ours!.StringValue!).correlationId, 'c-1')
    },
  },
]

interface Place {
  /** What stands in the options of a sink. */
  readonly sink: Readonly<Record<string, unknown>>
  readonly queue: string
}

/** Queues of the emulator, and how a sink comes to them. */
async function fixture(
  place: (aws: Aws) => Place,
  missing: string,
  sinkTo: (name: string) => Place['sink'],
  largestBody: number,
  long: string,
): Promise<SinkFixture<Message>> {
  const aws = await startAws()
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new SQSClient({ region, endpoint: aws.emulator.address, credentials })
  const { hostname: host, port } = new URL(aws.emulator.address)
  const address: TcpAddress = { host, port: Number(port) }
  const places = new Map<string, Place & { readonly mailbox: Mailbox<Message> }>()
  const urlOf = (name: string) => `${aws.emulator.address}/000000000000/${places.get(name)!.queue}`

  /** Takes what is there into the mailbox. */
  const fetch = async (name: string): Promise<void> => {
    const QueueUrl = urlOf(name)
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        WaitTimeSeconds: 1,
        MessageAttributeNames: ['All'],
      }),
    )
    if (Messages.length === 0) return
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
    await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    for (const native of Messages) places.get(name)!.mailbox.put({ body: bodyOf(native), native })
  }

  return {
    address,
    largestBody,
    // The emulator is in this process and takes its time.
    room: 2_000,
    unordered: true,
    basicPlane: true,
    async create() {
      const made = place(aws)
      places.set(made.queue, { ...made, mailbox: new Mailbox() })
      return made.queue
    },
    endpoint: (name, via = address) => ({
      connection: { ...aws.connection, endpoint: `http://${via.host}:${via.port}` },
      sink: { ...(places.get(name)?.sink ?? sinkTo(name)), concurrency: 8 },
    }),
    async read(name, isLast) {
      let done = false
      const reading = places
        .get(name)!
        .mailbox.read(isLast)
        .then(() => {
          done = true
        })
      await Promise.resolve()
      while (!done) await fetch(name)
      await reading
    },
    missing,
    async remove(name) {
      await client.send(new DeleteQueueCommand({ QueueUrl: urlOf(name) }))
    },
    limited: (raw, limit) => withSink(raw, { send_timeout: limit }),
    examples: examples(long),
    async close() {
      client.destroy()
      await aws.stop()
    },
  }
}

const oneTarget = 'the sink has one target'
const noLink = 'HTTP has no connection that could be lost: the next call takes another'
const skip: Partial<Record<SinkPromise, string>> = {
  credentials: 'the emulator takes any; sqs-calls.test.ts looks at them',
  guilty: oneTarget,
  gone: oneTarget,
  apart: oneTarget,
  many: oneTarget,
  cutsSpread: oneTarget,
  blocked: 'AWS blocks nobody; it throttles',
  cut: noLink,
  cutFlight: noLink,
  silentPeer: noLink,
}

sinkConformance({
  title: 'sqs on fauxqs',
  adapter: sqs,
  fixture: () =>
    fixture(
      aws => {
        const { queueName } = aws.emulator.createQueue(`q-${randomUUID()}`, { region })
        return { queue: queueName, sink: { queue: queueName } }
      },
      'no-such-queue',
      queue => ({ queue }),
      1_000_000,
      'Number.long',
    ),
  examples: [title],
  skip,
})

const topicArn = (name: string) => `arn:aws:sns:${region}:000000000000:${name}`

sinkConformance({
  title: 'sns on fauxqs',
  adapter: sns,
  fixture: () =>
    fixture(
      aws => {
        const { queueName: queue } = aws.emulator.createQueue(`q-${randomUUID()}`, { region })
        const topic = `t-${randomUUID()}`
        aws.emulator.createTopic(topic, { region })
        aws.emulator.subscribe({ topic, queue, region, attributes: { RawMessageDelivery: 'true' } })
        return { queue, sink: { topic: topicArn(topic) } }
      },
      'no-such-topic',
      name => ({ topic: topicArn(name) }),
      150_000,
      // Numbers of SNS end at 10^9.
      'String.long',
    ),
  examples: [title],
  skip: { ...skip, checkGone: 'the fixture takes away the queue, and a topic without one is still there' },
})
