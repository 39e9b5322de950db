import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { SendMessageBatchCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import fc from 'fast-check'
import type { SnsEntry, SqsEntry, SqsReceived } from '../../src/adapters/shared/aws/calls.ts'
import { sns } from '../../src/adapters/sns/index.ts'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import type { LinkEvent } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { LinkLost } from '../../src/core/errors.ts'
import { text } from '../../src/core/value.ts'
import { anyMessage, anyValue } from '../support/any-message.ts'
import { until } from '../support/until.ts'
import { type Answer, sqsError, startAws } from './aws.ts'
import { sourceConformance } from './conformance.ts'
import { Consumer } from './consumer.ts'
import type { Example, SourceFixture } from './fixture.ts'

type Aws = Awaited<ReturnType<typeof startAws>>

const clientOf = (aws: Aws) =>
  new SQSClient({
    region: 'eu-west-1',
    endpoint: aws.emulator.address,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
const urlOf = (aws: Aws, queue: string) => `${aws.emulator.address}/000000000000/${queue}`

function create(aws: Aws, attributes: Record<string, string> = {}, suffix = ''): string {
  const queue = `q-${randomUUID()}${suffix}`
  aws.emulator.createQueue(queue, { region: 'eu-west-1', attributes })
  return queue
}

async function sendAll(client: SQSClient, QueueUrl: string, bodies: readonly string[]): Promise<void> {
  for (let i = 0; i < bodies.length; i += 10) {
    const Entries = bodies.slice(i, i + 10).map((MessageBody, j) => ({ Id: String(j), MessageBody }))
    await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
  }
}

const examples = (aws: Aws, client: SQSClient): Example[] => {
  const send = (MessageAttributes: Record<string, object>) => async (queue: string) => {
    const input = { QueueUrl: urlOf(aws, queue), MessageBody: 'Grüße', MessageAttributes }
    await client.send(new SendMessageCommand(input as never))
  }
  return [
    {
      title: 'a text body and what SQS itself says of it',
      send: send({}),
      expected: {
        body: { kind: 'text', text: 'Grüße' },
        annotations: { ApproximateReceiveCount: text('1') },
      },
    },
    {
      title: 'attributes by their types',
      send: send({
        plain: { DataType: 'String', StringValue: 'é' },
        number: { DataType: 'Number', StringValue: '12345678901234567890.5' },
        int: { DataType: 'Number.int', StringValue: '-5' },
        long: { DataType: 'Number.long', StringValue: '9223372036854775807' },
        yes: { DataType: 'Number.Boolean', StringValue: '1' },
        nan: { DataType: 'String.double', StringValue: 'NaN' },
        raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
        none: { DataType: 'String.json', StringValue: 'null' },
        other: { DataType: 'Number.of.another', StringValue: '7' },
        bad: { DataType: 'String.int', StringValue: 'five' },
      }),
      expected: {
        headers: {
          plain: text('é'),
          number: { type: 'decimal', value: '12345678901234567890.5' },
          int: { type: 'int32', value: -5 },
          long: { type: 'int64', value: 9_223_372_036_854_775_807n },
          yes: { type: 'bool', value: true },
          nan: { type: 'float64', value: Number.NaN },
          raw: { type: 'bytes', value: Buffer.from([0, 255]) },
          none: { type: 'null' },
          other: text('7'),
          bad: text('five'),
        },
      },
    },
  ]
}

async function fixture(): Promise<SourceFixture> {
  const aws = await startAws()
  const client = clientOf(aws)
  const { hostname: host, port } = new URL(aws.emulator.address)
  return {
    address: { host, port: Number(port) },
    // Short, since what a cut answer held stays invisible for that long.
    create: async () => create(aws, { VisibilityTimeout: '2' }),
    endpoint: (name, via = { host, port: Number(port) }) => ({
      connection: { ...aws.connection, endpoint: `http://${via.host}:${via.port}` },
      source: { queue: name, wait: '1s' },
    }),
    produce: (name, all) => sendAll(client, urlOf(aws, name), all.map(String)),
    async detach(name) {
      const { DeleteQueueCommand } = await import('@aws-sdk/client-sqs')
      await client.send(new DeleteQueueCommand({ QueueUrl: urlOf(aws, name) }))
    },
    limited: (raw, limit) => ({ ...raw, source: { ...raw.source, call_timeout: limit } }),
    examples: examples(aws, client),
    async close() {
      client.destroy()
      await aws.stop()
    },
  }
}

const noLink = 'SQS has no connection that could be lost: what a cut means is tested below'
sourceConformance({
  title: 'sqs on fauxqs',
  adapter: sqs,
  fixture,
  examples: ['a text body and what SQS itself says of it', 'attributes by their types'],
  skip: {
    bytes: 'SQS carries no empty body, no NUL and nothing but text',
    credentials: 'the emulator takes any; sqs-calls.test.ts looks at them',
    rejected: 'SQS cannot be told to dead-letter a message',
    stalledClose: 'its time limit is call_timeout: tested below',
    stalled: 'its time limit is call_timeout: tested below',
    cut: noLink,
    again: noLink,
  },
})

const hostile = (attributes: string) =>
  `{"Type":"Notification","TopicArn":"t","Message":"m","MessageAttributes":${attributes}}`
const depth = (n: number, inner: string) => '['.repeat(n) + inner + ']'.repeat(n)

describe('sqs source', () => {
  let aws: Aws
  let client: SQSClient
  before(async () => {
    aws = await startAws()
    client = clientOf(aws)
  })
  after(async () => {
    client.destroy()
    await aws.stop()
  })
  afterEach(() => {
    aws.fault = undefined
  })

  async function open(t: TestContext, queue: string, options = {}) {
    const at = {
      connection: sqs.connection.parse(aws.connection),
      connectionName: 'aws',
      route: 'r',
      options: sqs.source!.options.parse({ queue, wait: '1s', ...options }),
    }
    const events: LinkEvent[] = []
    const consumer = await Consumer.by(deliver =>
      sqs.source!.open(at, deliver, {
        signal: new AbortController().signal,
        report: event => events.push(event),
      }),
    )
    return Object.assign(consumer.closeAfter(t), { events })
  }
  const filled = async (bodies: readonly string[], attributes = {}) => {
    const queue = create(aws, attributes)
    await sendAll(client, urlOf(aws, queue), bodies)
    return queue
  }
  const calls = (action: string) => aws.seen.filter(request => request.action === action)

  for (const through of ['SQS', 'SNS with raw delivery', 'SNS'] as const) {
    test(`any message is itself again through ${through}: body, headers and properties of every type`, () => {
      const common = { connection: sqs.connection.parse({}), connectionName: 'c', route: 'r' }
      const limits = { maxMessageSize: 1_048_576 }
      const queue = { ...common, options: sqs.sink!.options.parse({ queue: 'q' }) }
      const arn = 'arn:aws:sns:eu-west-1:000000000000:t'
      const topic = { ...common, options: sns.sink!.options.parse({ topic: arn }) }
      const body = through === 'SNS' ? 'sns' : 'raw'
      const options = sqs.source!.options.parse({ queue: 'q', body })
      fc.assert(
        fc.property(anyMessage, fc.array(anyValue, { maxLength: 9 }), (generated, values) => {
          const message = { ...generated, headers: Object.fromEntries(values.map((v, i) => [`h${i}`, v])) }
          const received =
            through === 'SQS'
              ? asReceived(sqs.sink!.prepare(queue, limits, message).entry)
              : through === 'SNS'
                ? asNotification(sns.sink!.prepare(topic, limits, message).entry)
                : asReceived(sns.sink!.prepare(topic, limits, message).entry)
          const { message: read, fault } = decode(received, options)
          assert.equal(fault, undefined)
          const { deduplicationId: _, delay: __, ...properties } = message.properties
          assert.deepEqual(plain(read.body), plain(message.body))
          assert.deepEqual(plain(read.headers), plain(message.headers))
          assert.deepEqual(plain(read.properties), plain(properties))
        }),
        { numRuns: 500 },
      )
    })
  }

  test('a message that is held longer than the visibility timeout is handed to nobody else', async t => {
    const queue = await filled(['a', 'b'], { VisibilityTimeout: '2' })
    const first = await open(t, queue)
    const deliveries = await first.take(2)
    const other = await open(t, queue)
    other.grant(10)
    await pause(5_000)
    assert.equal(other.deliveries.length, 0)
    assert.equal(deliveries[0]!.lost.aborted, false)
    await Promise.all(deliveries.map(d => d.settle('accepted')))
    await first.source.close()
    await pause(2_500)
    assert.equal(other.deliveries.length, 0)
  })

  test('a message that SQS says is no longer ours is lost, and comes again with its count', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '2' })
    const consumer = await open(t, queue)
    const answer = (body: string): Answer => ({
      status: 200,
      headers: { 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify({
        Failed: JSON.parse(body).Entries.map(({ Id }: { Id: string }) => ({
          Id,
          SenderFault: true,
          Code: 'ReceiptHandleIsInvalid',
          Message: 'expired',
        })),
      }),
    })
    aws.fault = { action: 'ChangeMessageVisibilityBatch', answer: request => answer(request.body) }
    const [delivery] = await consumer.take(1)
    assert.equal(delivery!.deliveryCount, 0)
    await until(() => delivery!.lost.aborted, { what: 'the loss' })
    await assert.rejects(delivery!.settle('accepted'), LinkLost)
    aws.fault = undefined
    const again = (await consumer.take(1))[1]!
    assert.equal(again.deliveryCount, 1)
    assert.equal(again.id, delivery!.id)
    await again.settle('accepted')
  })

  test('a message that cannot be extended in time is lost', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '2' })
    const consumer = await open(t, queue)
    aws.fault = {
      action: 'ChangeMessageVisibilityBatch',
      answer: () => sqsError(500, 'InternalFailure', 'no'),
    }
    const [delivery] = await consumer.take(1)
    const began = performance.now()
    await until(() => delivery!.lost.aborted, { what: 'the loss' })
    assert.ok(performance.now() - began > 1_000, 'not before its time')
  })

  test('closing makes what is unsettled visible at once, in a queue with a long timeout', async t => {
    const queue = await filled(['a', 'b', 'c'], { VisibilityTimeout: '600' })
    const first = await open(t, queue)
    await first.take(3)
    await first.deliveries[0]!.settle('accepted')
    await first.source.close()
    const second = await open(t, queue)
    await second.take(2)
    assert.deepEqual(second.ids.sort(), ['b', 'c'])
  })

  test('a receive that comes back after stop gives back what it brings', async t => {
    const queue = await filled([], { VisibilityTimeout: '600' })
    const first = await open(t, queue, { wait: '2s' })
    first.grant(10)
    await until(() => calls('ReceiveMessage').some(c => c.body.includes(queue)), { what: 'a receive' })
    await first.source.stop()
    await sendAll(client, urlOf(aws, queue), ['late'])
    await first.source.close()
    assert.equal(first.deliveries.length, 0)
    const second = await open(t, queue)
    await second.take(1)
  })

  test('a deletion that fails for a while is tried again', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '2' })
    const consumer = await open(t, queue)
    let failures = 0
    aws.fault = {
      action: 'DeleteMessageBatch',
      answer: request => (++failures <= 2 ? sqsError(503, 'ServiceUnavailable', 'later') : request.forward()),
    }
    const [delivery] = await consumer.take(1)
    await delivery!.settle('accepted')
    assert.equal(failures, 3)
    consumer.grant(5)
    await pause(2_500)
    assert.equal(consumer.deliveries.length, 1)
  })

  test('a deletion of which SQS says that the receipt handle expired: lost, and not tried for ever', async t => {
    const queue = await filled(['a'])
    const consumer = await open(t, queue)
    aws.fault = {
      action: 'DeleteMessageBatch',
      answer: () =>
        sqsError(404, 'ReceiptHandleIsInvalid', 'The receipt handle has expired', 'ReceiptHandleIsInvalid'),
    }
    const [delivery] = await consumer.take(1)
    await assert.rejects(delivery!.settle('accepted'), LinkLost)
  })

  test('closing waits for deletions that are under way', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '600' })
    const consumer = await open(t, queue)
    aws.fault = {
      action: 'DeleteMessageBatch',
      async answer(request) {
        await pause(300)
        return request.forward()
      },
    }
    const [delivery] = await consumer.take(1)
    const settled = delivery!.settle('accepted')
    await consumer.source.close()
    await settled
    const second = await open(t, queue)
    second.grant(1)
    await pause(500)
    assert.equal(second.deliveries.length, 0)
  })

  test('nothing is received that was not granted, and nothing at all without', async t => {
    const queue = await filled(Array.from({ length: 100 }, (_, i) => `m${i}`))
    const consumer = await open(t, queue)
    const from = calls('ReceiveMessage').length
    await pause(200)
    assert.equal(calls('ReceiveMessage').length, from)
    await consumer.take(25)
    await pause(200)
    const asked = calls('ReceiveMessage')
      .slice(from)
      .map(c => JSON.parse(c.body).MaxNumberOfMessages as number)
    assert.equal(
      asked.reduce((a, b) => a + b, 0),
      25,
    )
  })

  test('several receive at a time while messages come, and no more than pollers', async t => {
    const queue = await filled(Array.from({ length: 300 }, (_, i) => `m${i}`))
    let [flying, most] = [0, 0]
    aws.fault = {
      action: 'ReceiveMessage',
      async answer(request) {
        most = Math.max(most, ++flying)
        await pause(30)
        return request.forward().finally(() => flying--)
      },
    }
    const consumer = await open(t, queue, { pollers: 3 })
    await consumer.take(300)
    assert.equal(most, 3)
  })

  test('receives that wait do not hold up what is sent over the same connection', async t => {
    const connection = sqs.connection.parse(aws.connection)
    const at = { connection, connectionName: 'aws', route: 'r' }
    const context = { signal: new AbortController().signal, report: () => {} }
    const [empty, full] = [create(aws), create(aws)]
    const from = calls('ReceiveMessage').length
    for (let i = 0; i < 40; i++) {
      const options = sqs.source!.options.parse({ queue: empty, wait: '20s' })
      const source = await sqs.source!.open({ ...at, options }, () => {}, context)
      t.after(() => source.close())
      source.grant(10, 1_000)
    }
    await until(() => calls('ReceiveMessage').length - from === 40, { what: 'forty receives' })
    const to = { ...at, options: sqs.sink!.options.parse({ queue: full }) }
    const sink = await sqs.sink!.open(to, context)
    t.after(() => sink.close())
    const message = { address: 'q', body: { kind: 'text', text: 'b' }, headers: {}, properties: {} } as const
    const prepared = sqs.sink!.prepare(to, sink.limits, message)
    const began = performance.now()
    await Promise.all(Array.from({ length: 500 }, () => sink.send(prepared, context.signal)))
    assert.ok(performance.now() - began < 10_000)
    assert.equal(calls('ReceiveMessage').length - from, 40, 'all of them still wait')
    await sendAll(
      client,
      urlOf(aws, empty),
      Array.from({ length: 60 }, () => 'so that they end'),
    )
  })

  test('what is granted while a message is handed over counts, in messages and in bytes', async t => {
    const queue = await filled(Array.from({ length: 50 }, (_, i) => `m${i}`))
    const at = {
      connection: sqs.connection.parse(aws.connection),
      connectionName: 'aws',
      route: 'r',
      options: sqs.source!.options.parse({ queue, wait: '1s' }),
    }
    let came = 0
    const source = await sqs.source!.open(
      at,
      delivery => {
        came++
        source.grant(1, delivery.size)
      },
      { signal: new AbortController().signal, report: () => {} },
    )
    t.after(() => source.close())
    source.grant(5, 10)
    await until(() => came === 50, { what: 'all of them' })
  })

  test('receives that fail: people are told once, and it goes on', async t => {
    const queue = await filled(['a'])
    const consumer = await open(t, queue)
    let failures = 0
    aws.fault = {
      action: 'ReceiveMessage',
      answer: request =>
        ++failures <= 3
          ? sqsError(400, 'RequestThrottled', 'slow down', 'RequestThrottled')
          : request.forward(),
    }
    await consumer.take(1)
    assert.deepEqual(
      consumer.events.map(
        e => e.type === 'notice' && /SQS throttles sqs:ReceiveMessage on queue .*trying again/.test(e.text),
      ),
      [true],
    )
  })

  test('receives that fail for long end the link, and what it held is given back', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '600' })
    const consumer = await open(t, queue)
    const [delivery] = await consumer.take(1)
    aws.fault = { action: 'ReceiveMessage', answer: () => sqsError(500, 'InternalFailure', 'no') }
    consumer.grant(1)
    const error = await consumer.source.closed
    assert.match(String(error), /SQS fails \(sqs:ReceiveMessage on queue/)
    assert.ok(delivery!.lost.aborted)
    await assert.rejects(delivery!.settle('accepted'), LinkLost)
    aws.fault = undefined
    const next = await open(t, queue)
    await next.take(1)
  })

  test('a queue deleted while it is read: the error names it', async t => {
    const queue = await filled(['a'])
    const consumer = await open(t, queue)
    await consumer.take(1)
    aws.fault = {
      action: 'ReceiveMessage',
      answer: () =>
        sqsError(400, 'QueueDoesNotExist', 'no such queue', 'AWS.SimpleQueueService.NonExistentQueue'),
    }
    consumer.grant(1)
    assert.match(
      String(await consumer.source.closed),
      new RegExp(`queue ${queue} does not exist in region eu-west-1`),
    )
  })

  test('a service that falls silent: receiving ends in bounded time, and so does closing', async t => {
    const queue = await filled(['a'])
    const consumer = await open(t, queue, { call_timeout: '500ms' })
    await consumer.take(1)
    aws.fault = { action: 'ReceiveMessage', answer: () => 'never' }
    consumer.grant(1)
    await until(() => consumer.events.length > 0, { what: 'a notice' })
    assert.match(JSON.stringify(consumer.events), /SQS did not answer in time/)
    await consumer.source.close()
  })

  for (const [action, does] of [
    ['DeleteMessageBatch', (d: Delivery) => void d.settle('accepted').catch(() => {})],
    ['ChangeMessageVisibilityBatch', () => {}],
  ] as const) {
    test(`people are told when ${action} is not allowed`, async t => {
      const consumer = await open(t, await filled(['a'], { VisibilityTimeout: '2' }))
      aws.fault = { action, answer: () => sqsError(403, 'AccessDenied', 'no') }
      const [delivery] = await consumer.take(1)
      does(delivery!)
      await until(() => consumer.events.length > 0, { what: 'a notice' })
      await pause(500)
      assert.equal(consumer.events.length, 1)
      assert.match(
        JSON.stringify(consumer.events),
        new RegExp(`needs sqs:${action.replace('Batch', '')} to be`),
      )
    })
  }

  test('FIFO: with a lost message those behind it in its group are lost, and no others', async t => {
    const consumer = await open(t, create(aws, { FifoQueue: 'true', VisibilityTimeout: '2' }, '.fifo'))
    // By hand: the emulator hands out one message of a group at a time.
    const Messages = ['a', 'a', 'b', 'a'].map((MessageGroupId, i) => ({
      MessageId: `${i}`,
      ReceiptHandle: `h${i}`,
      Body: `${MessageGroupId}${i}`,
      Attributes: { MessageGroupId },
    }))
    const json = (body: object): Answer => ({ status: 200, headers: {}, body: JSON.stringify(body) })
    let received = false
    aws.fault = {
      action: 'ReceiveMessage',
      answer: () => json({ Messages: received ? [] : Messages }),
    }
    const deliveries = await consumer.take(4)
    received = true
    aws.fault = {
      action: 'ChangeMessageVisibilityBatch',
      answer(request) {
        const Entries: { Id: string; ReceiptHandle: string }[] = JSON.parse(request.body).Entries
        const isLost = ({ ReceiptHandle }: { ReceiptHandle: string }) => ReceiptHandle === 'h1'
        return json({
          Successful: Entries.filter(e => !isLost(e)),
          Failed: Entries.filter(isLost).map(({ Id }) => ({
            Id,
            SenderFault: true,
            Code: 'ReceiptHandleIsInvalid',
          })),
        })
      },
    }
    await until(() => deliveries.some(d => d.lost.aborted), { what: 'a loss' })
    assert.deepEqual(
      deliveries.map(d => d.lost.aborted),
      [false, true, false, true],
    )
  })

  test('an opening that was given up leaves no timer behind, although its connection lives on', async t => {
    const queue = await filled([])
    const connection = sqs.connection.parse(aws.connection)
    const options = sqs.source!.options.parse({ queue })
    const at = { connection, connectionName: 'aws', route: 'r', options }
    const open = (signal: AbortSignal) => sqs.source!.open(at, () => {}, { signal, report: () => {} })
    const other = await open(new AbortController().signal)
    t.after(() => other.close())
    let asked = 0
    aws.fault = {
      action: 'GetQueueAttributes',
      async answer(request) {
        asked++
        await pause(200)
        return request.forward()
      },
    }
    const started = t.mock.method(globalThis, 'setInterval')
    const given = new AbortController()
    const opening = open(given.signal)
    await until(() => asked === 1, { what: 'the question' })
    given.abort(new Error('enough'))
    await assert.rejects(opening, /enough/)
    await pause(500)
    assert.equal(started.mock.callCount(), 0)
  })

  test('giving back waits for an extension under way, which would hide the message again', async t => {
    const queue = await filled(['a'], { VisibilityTimeout: '4' })
    const first = await open(t, queue)
    let extending = false
    aws.fault = {
      action: 'ChangeMessageVisibilityBatch',
      async answer(request) {
        if (request.body.includes('"VisibilityTimeout":0')) return request.forward()
        extending = true
        await pause(600)
        return request.forward()
      },
    }
    await first.take(1)
    await until(() => extending, { what: 'an extension' })
    await first.source.close()
    const second = await open(t, queue)
    const began = performance.now()
    await second.take(1)
    assert.ok(performance.now() - began < 1_500, 'at once')
  })

  test('an empty answer that comes at once is not asked for thousands of times', async t => {
    const consumer = await open(t, create(aws))
    aws.fault = { action: 'ReceiveMessage', answer: () => ({ status: 200, headers: {}, body: '{}' }) }
    const from = calls('ReceiveMessage').length
    consumer.grant(10)
    await pause(1_200)
    assert.ok(calls('ReceiveMessage').length - from <= 3)
  })

  for (const messages of [
    '{}',
    '5',
    '[null]',
    '[{"Body":"no handle"}]',
    '[{"ReceiptHandle":"h","Body":5}]',
    '[{"ReceiptHandle":"h","Attributes":null}]',
    '[{"ReceiptHandle":"h","MessageAttributes":{"a":null}}]',
  ]) {
    test(`messages that are none (${messages}): people are told, and it goes on`, async t => {
      const consumer = await open(t, await filled(['a']))
      let odd = 0
      aws.fault = {
        action: 'ReceiveMessage',
        answer: request =>
          odd++ === 0 ? { status: 200, headers: {}, body: `{"Messages":${messages}}` } : request.forward(),
      }
      await consumer.take(1)
      assert.match(JSON.stringify(consumer.events), /what answers in region .* is not SQS/)
    })
  }

  test('values nested without end stay text, and those that fit are read', () => {
    const options = sqs.source!.options.parse({ queue: 'q' })
    const read = (DataType: string, StringValue: string) =>
      decode({ MessageAttributes: { a: { DataType, StringValue } } }, options).message.headers.a!
    assert.equal(read('String.json', depth(2_200, '')).type, 'string')
    assert.equal(read('String.json', depth(20, 'true')).type, 'list')
    assert.equal(read('String.Array', depth(2_200, '')).type, 'string')
    const unchanged: [string, string][] = [
      ['String.Array', '[12345678901234567890]'],
      ['String.Array', '[1e400]'],
      ['String.Array', '[{"a":1}]'],
      ['String.Array', '{"a":1}'],
      ['String.bytes', 'hello world'],
      ['Number.decimal64', '1.5'],
      ['String.Boolean', 'yes'],
      ['Number.double', '1e400'],
      ['String.json', '{"int64":9007199254740993}'],
      ['String.json', '{"map":[["a","b","c"]]}'],
    ]
    for (const [type, written] of unchanged)
      assert.equal((read(type, written) as { value: unknown }).value, written)
    assert.deepEqual(read('String.Array', '["a", 1.5, null]'), {
      type: 'list',
      value: [text('a'), { type: 'float64', value: 1.5 }, { type: 'null' }],
    })
    for (const own of ['5', 'true', '[]', '{}']) {
      const { headers } = decode(
        { MessageAttributes: { sluice_properties: { DataType: 'String', StringValue: own } } },
        options,
      ).message
      assert.deepEqual(headers.sluice_properties, text(own))
    }
  })

  test('body: sns takes the message out of what SNS put around it, attributes typed', async t => {
    const { topicArn } = aws.emulator.createTopic(`t-${randomUUID()}`, { region: 'eu-west-1' }) as {
      topicArn: string
    }
    const queue = create(aws)
    aws.emulator.subscribe({ topic: topicArn.split(':').at(-1)!, queue, region: 'eu-west-1' } as never)
    const topics = new SNSClient({
      region: 'eu-west-1',
      endpoint: aws.emulator.address,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    })
    t.after(() => topics.destroy())
    const MessageAttributes = {
      n: { DataType: 'Number.int', StringValue: '7' },
      b: { DataType: 'Binary', BinaryValue: Uint8Array.of(1, 2) },
    }
    await topics.send(
      new PublishCommand({ TopicArn: topicArn, Message: 'alarm ü', Subject: 'S', MessageAttributes }),
    )
    const consumer = await open(t, queue, { body: 'sns' })
    const [{ message, fault } = assert.fail()] = await consumer.take(1)
    assert.equal(fault, undefined)
    assert.deepEqual(message.body, { kind: 'text', text: 'alarm ü' })
    assert.deepEqual(message.headers.n, { type: 'int32', value: 7 })
    assert.deepEqual(message.headers.b, { type: 'bytes', value: Buffer.from([1, 2]) })
    assert.equal(message.properties.subject, 'S')
  })

  for (const body of [
    'not JSON',
    'null',
    '[]',
    '{"Type":"Notification"}',
    '{"Message":"m"}',
    hostile('{"a":null}'),
    hostile('{"a":{"Type":5}}'),
    hostile('{"a":{"Type":"String","Value":5}}'),
  ]) {
    test(`body: sns and a body that SNS did not write (${body}): at fault, and as it came`, async t => {
      const consumer = await open(t, await filled([body]), { body: 'sns' })
      const [delivery] = await consumer.take(1)
      assert.match(String(delivery!.fault), /the body is no notification of SNS/)
      assert.deepEqual(delivery!.message.body, { kind: 'text', text: body })
    })
  }

  const object = '{"toString":1,"valueOf":1}'
  for (const [body, at] of [
    [
      `{"Type":"Notification","TopicArn":"t","Message":${object},"MessageAttributes":{"a":${object}}}`,
      'fault',
    ],
    [`{"Type":"Notification","TopicArn":"t","Message":"m","Timestamp":${object}}`, 'message'],
  ] as const) {
    test(`body: sns with objects in the place of texts (${body}): polling goes on`, async t => {
      for (const more of [{}, { claim_check: { bucket: 'large-bodies', prefix: 'p/' } }]) {
        const queue = await filled([body, asNotification({ Message: 'next' }).Body!])
        if ('claim_check' in more) aws.emulator.createBucket('large-bodies')
        const consumer = await open(t, queue, { body: 'sns', ...more })
        const came = await consumer.take(2)
        assert.equal(came.filter(({ fault }) => fault !== undefined).length, at === 'fault' ? 1 : 0)
      }
    })
  }

  test('FIFO: the order of each group is kept through giving back', async t => {
    const queue = create(aws, { FifoQueue: 'true' }, '.fifo')
    const QueueUrl = urlOf(aws, queue)
    for (let i = 0; i < 12; i++) {
      const more = { MessageGroupId: `g${i % 2}`, MessageDeduplicationId: String(i) }
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody: `g${i % 2}-${i}`, ...more }))
    }
    const first = await open(t, queue)
    first.grant(4)
    await until(() => first.deliveries.length >= 2, { what: 'a few' })
    await first.source.close()
    const second = await open(t, queue)
    second.grant(12)
    let settled = 0
    await until(
      async () => {
        for (; settled < second.deliveries.length; settled++)
          await second.deliveries[settled]!.settle('accepted')
        return settled === 12
      },
      { what: 'all twelve' },
    )
    for (const group of ['g0', 'g1']) {
      const came = second.ids.filter(id => id.startsWith(group)).map(id => Number(id.slice(3)))
      assert.deepEqual(
        came,
        came.toSorted((a, b) => a - b),
      )
    }
    assert.equal(second.deliveries[0]!.message.properties.groupId?.startsWith('g'), true)
  })
})

type Entry = Partial<Pick<SqsEntry & SnsEntry, 'MessageBody' | 'Message' | 'MessageAttributes'>>

/** What is sent, as ReceiveMessage hands it out. */
function asReceived({ MessageBody, Message, MessageAttributes = {} }: Entry): SqsReceived {
  const attributes = Object.entries(MessageAttributes).map(([name, { BinaryValue: bytes, ...rest }]) => [
    name,
    bytes === undefined ? rest : { ...rest, BinaryValue: Buffer.from(bytes).toString('base64') },
  ])
  return { Body: MessageBody ?? Message ?? '', MessageAttributes: Object.fromEntries(attributes) }
}

/** The JSON that SNS puts around a message. */
function asNotification(entry: Entry): SqsReceived {
  const { Body: Message, MessageAttributes: received = {} } = asReceived(entry)
  const attributes = Object.entries(received).map(([name, { DataType, StringValue, BinaryValue }]) => [
    name,
    { Type: DataType, Value: StringValue ?? BinaryValue },
  ])
  const MessageAttributes = Object.fromEntries(attributes)
  return { Body: JSON.stringify({ Type: 'Notification', TopicArn: 't', Message, MessageAttributes }) }
}

/** Comparable whatever class holds the bytes. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, v) => {
      if (typeof v === 'bigint') return `${v}n`
      if (typeof v === 'number' && !Number.isFinite(v)) return String(v)
      if (Object.is(v, -0)) return '-0'
      if (v?.type === 'Buffer') return Buffer.from(v.data).toString('hex')
      return v instanceof Uint8Array ? Buffer.from(v).toString('hex') : v
    }),
  )
