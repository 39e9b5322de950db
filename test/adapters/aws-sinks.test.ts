import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { DeleteTopicCommand, SNSClient } from '@aws-sdk/client-sns'
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

/** How a sink of one service comes to a queue of the emulator, whose name is that of the place. */
interface Service {
  /** What leads to the queue, beside it. */
  make?(aws: Aws, name: string): void
  /** What a template comes to, and what stands in the options. */
  address(name: string): string
  sink(address: string): Readonly<Record<string, unknown>>
  remove(config: object, name: string, queueUrl: string): Promise<void>
  readonly largestBody: number
  /** The type of an int64 of any size. */
  readonly long: string
}

const services: Readonly<Record<'sqs' | 'sns', Service>> = {
  sqs: {
    address: name => name,
    sink: queue => ({ queue }),
    async remove(config, _, QueueUrl) {
      const client = new SQSClient(config)
      await client.send(new DeleteQueueCommand({ QueueUrl }))
      client.destroy()
    },
    largestBody: 1_000_000,
    long: 'Number.long',
  },
  sns: {
    make(aws, name) {
      aws.emulator.createTopic(name, { region })
      const attributes = { RawMessageDelivery: 'true' }
      aws.emulator.subscribe({ topic: name, queue: name, region, attributes })
    },
    address: name => `arn:aws:sns:${region}:000000000000:${name}`,
    sink: topic => ({ topic }),
    async remove(config, name) {
      const client = new SNSClient(config)
      await client.send(new DeleteTopicCommand({ TopicArn: services.sns.address(name) }))
      client.destroy()
    },
    largestBody: 150_000,
    // Numbers of SNS end at 10^9.
    long: 'String.long',
  },
}

/** Queues of the emulator, which take what they are sent by either service. */
async function fixture(service: Service): Promise<SinkFixture<Message>> {
  const aws = await startAws()
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const config = { region, endpoint: aws.emulator.address, credentials }
  const client = new SQSClient(config)
  const { hostname: host, port } = new URL(aws.emulator.address)
  const address: TcpAddress = { host, port: Number(port) }
  const mailboxes = new Map<string, Mailbox<Message>>()
  const urlOf = (name: string) => `${aws.emulator.address}/000000000000/${name}`
  const raw = (written: string, via = address) => ({
    connection: { ...aws.connection, endpoint: `http://${via.host}:${via.port}` },
    sink: { ...service.sink(written), concurrency: 8 },
  })

  /** Takes what is there into the mailbox. */
  const fetch = async (name: string): Promise<void> => {
    const QueueUrl = urlOf(name)
    const input = {
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['All'],
    }
    const { Messages = [] } = await client.send(new ReceiveMessageCommand(input))
    if (Messages.length === 0) return
    const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }))
    await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
    for (const native of Messages) mailboxes.get(name)!.put({ body: bodyOf(native), native })
  }

  return {
    address,
    largestBody: service.largestBody,
    // The emulator is in this process and takes its time.
    room: 2_000,
    unordered: true,
    basicPlane: true,
    async create() {
      const name = `sink-${randomUUID()}`
      aws.emulator.createQueue(name, { region })
      service.make?.(aws, name)
      mailboxes.set(name, new Mailbox())
      return name
    },
    endpoint: (name, via) => raw(service.address(name), via),
    templated: via => raw('${headers.to}', via),
    addressOf: service.address,
    async read(name, isLast) {
      let done = false
      const reading = mailboxes
        .get(name)!
        .read(isLast)
        .then(() => {
          done = true
        })
      await Promise.resolve()
      while (!done) await fetch(name)
      await reading
    },
    missing: 'there-is-no-such-place',
    remove: name => service.remove(config, name, urlOf(name)),
    limited: (target, limit) => withSink(target, { send_timeout: limit }),
    examples: examples(service.long),
    async close() {
      client.destroy()
      await aws.stop()
    },
  }
}

const noLink = 'HTTP has no connection that could be lost: the next call takes another'
const skip: Partial<Record<SinkPromise, string>> = {
  credentials: 'the emulator takes any; sqs-calls.test.ts looks at them',
  blocked: 'AWS blocks nobody; it throttles',
  cut: noLink,
  cutFlight: noLink,
  silentPeer: noLink,
}

sinkConformance({
  title: 'sqs on fauxqs',
  adapter: sqs,
  fixture: () => fixture(services.sqs),
  examples: [title],
  skip,
})

sinkConformance({
  title: 'sns on fauxqs',
  adapter: sns,
  fixture: () => fixture(services.sns),
  examples: [title],
  skip,
})
