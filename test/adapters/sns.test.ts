import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { sns } from '../../src/adapters/sns/index.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { snsError, startAws } from './aws.ts'

const region = 'eu-west-1'
let aws: Awaited<ReturnType<typeof startAws>>
let queues: SQSClient
before(async () => {
  aws = await startAws()
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  queues = new SQSClient({ region, endpoint: aws.emulator.address, credentials })
})
after(async () => {
  queues.destroy()
  await aws.stop()
})
afterEach(() => {
  aws.fault = undefined
})

const never = new AbortController().signal
const context = { signal: never, report: () => {} }

/** A topic with a queue that gets its messages raw. */
function create(suffix = '') {
  const attributes = suffix === '.fifo' ? { FifoQueue: 'true' } : undefined
  const { queueName, queueUrl } = aws.emulator.createQueue(`q-${randomUUID()}${suffix}`, {
    region,
    ...(attributes && { attributes }),
  })
  const topic = `t-${randomUUID()}${suffix}`
  const { topicArn } = aws.emulator.createTopic(topic, {
    region,
    ...(attributes && { attributes: { FifoTopic: 'true' } }),
  })
  aws.emulator.subscribe({ topic, queue: queueName, region, attributes: { RawMessageDelivery: 'true' } })
  return { topicArn, queueUrl }
}

const endpoint = (topic: string, options = {}) => ({
  connection: sns.connection.parse(aws.connection),
  connectionName: 'aws',
  route: 'r',
  options: sns.sink!.options.parse({ topic, ...options }),
})

async function open(t: TestContext, topic: string, options = {}) {
  const at = endpoint(topic, options)
  const sink = await sns.sink!.open(at, context)
  t.after(() => sink.close())
  return { sink, send: async (m: Message) => sink.send(sns.sink!.prepare(at, sink.limits, m), never) }
}

const message = (body: string, more: Partial<Message> = {}): Message => ({
  address: 'ALARMS',
  body: { kind: 'text', text: body },
  headers: {},
  properties: {},
  ...more,
})

async function receive(QueueUrl: string) {
  const input = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }
  const answer = await queues.send(
    new ReceiveMessageCommand({ ...input, MessageSystemAttributeNames: ['All'] }),
  )
  return answer.Messages ?? []
}
const published = () => aws.seen.filter(r => r.action === 'PublishBatch').length

describe('sns', () => {
  test('headers of every type reach a queue with raw delivery', async t => {
    const { topicArn, queueUrl } = create()
    const { send } = await open(t, topicArn)
    const headers: Record<string, Value> = {
      s: text('é'),
      squid: text('🦑'),
      i: { type: 'int32', value: -5 },
      l: { type: 'int64', value: 9_007_199_254_740_993n },
      d: { type: 'float64', value: 0.1 },
      b: { type: 'bool', value: true },
      raw: { type: 'bytes', value: Uint8Array.from([0, 255]) },
    }
    await send(message('pump & <7>+%', { headers, properties: { messageId: text('ID:1') } }))
    const [arrived] = await receive(queueUrl)
    assert.equal(arrived?.Body, 'pump & <7>+%')
    const attributes = Object.fromEntries(
      Object.entries(arrived.MessageAttributes ?? {}).map(([name, a]) => [
        name,
        `${a.DataType} ${a.StringValue ?? Buffer.from(a.BinaryValue!).toString('hex')}`,
      ]),
    )
    assert.deepEqual(attributes, {
      s: 'String é',
      squid: 'String.json "\\ud83e\\udd91"',
      i: 'Number.int -5',
      l: 'String.long 9007199254740993',
      d: 'Number.double 0.1',
      b: 'Number.Boolean 1',
      raw: 'Binary 00ff',
      sluice_properties: 'String {"messageId":"ID:1"}',
    })
  })

  test('FIFO: group and deduplication id reach the queue', async t => {
    const { topicArn, queueUrl } = create('.fifo')
    const { send } = await open(t, topicArn)
    await send(message('a', { properties: { groupId: 'g', deduplicationId: 'd' } }))
    const [arrived] = await receive(queueUrl)
    assert.equal(arrived?.Attributes?.MessageGroupId, 'g')
    assert.equal(arrived?.Attributes?.MessageDeduplicationId, 'd')
  })

  test('256 KiB is the limit, of a message and of a call, unless the topic says otherwise', async t => {
    const { topicArn, queueUrl } = create()
    const { send, sink } = await open(t, topicArn)
    assert.equal(sink.limits.maxMessageSize, 262_144)
    await assert.rejects(send(message('x'.repeat(262_145))), /262145 bytes .* SNS takes 262144/)
    const from = published()
    await Promise.all(['a', 'b', 'c'].map(c => send(message(c.repeat(100 * 1024)))))
    assert.equal(published() - from, 2)
    assert.equal((await receive(queueUrl)).length, 3)
    aws.fault = {
      action: 'GetTopicAttributes',
      answer: async request => {
        const answer = await request.forward()
        const more = '<entry><key>MaximumMessageSize</key><value>1048576</value></entry></Attributes>'
        return { ...answer, body: answer.body.replace('</Attributes>', more) }
      },
    }
    assert.equal((await open(t, topicArn)).sink.limits.maxMessageSize, 1_048_576)
  })

  test('the guilty one of a call fails, the others arrive', async t => {
    const { topicArn, queueUrl } = create()
    const { send } = await open(t, topicArn)
    aws.fault = {
      action: 'PublishBatch',
      answer: request =>
        request.body.includes('guilty')
          ? snsError(400, 'InvalidParameter', 'Invalid parameter: Message')
          : request.forward(),
    }
    const results = await Promise.allSettled(['a', 'guilty', 'b'].map(body => send(message(body))))
    assert.deepEqual(
      results.map(r => r.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.ok(results[1]?.status === 'rejected' && results[1].reason instanceof MessageRefused)
    assert.deepEqual((await receive(queueUrl)).map(m => m.Body).sort(), ['a', 'b'])
  })

  const throttling = snsError(400, 'Throttling', 'Rate exceeded')
  const slowDown = { ...throttling, headers: { ...throttling.headers, 'retry-after': '3' } }
  for (const [title, answer, sentence] of [
    ['throttled', slowDown, /SNS throttles sns:Publish/],
    [
      'access denied',
      snsError(403, 'AuthorizationError', 'not authorized'),
      /needs sns:Publish to be allowed/,
    ],
    [
      'topic deleted',
      snsError(404, 'NotFound', 'Topic does not exist'),
      /does not exist in region eu-west-1/,
    ],
    ['failing', snsError(500, 'InternalError', 'x'), /SNS fails/],
  ] as const) {
    test(`${title}: the target is unavailable`, async t => {
      const { topicArn } = create()
      const { send } = await open(t, topicArn)
      aws.fault = { action: 'PublishBatch', answer: () => answer }
      const results = await Promise.allSettled([send(message('a')), send(message('b'))])
      const errors = results.map(r => (r.status === 'rejected' ? (r.reason as unknown) : undefined))
      assert.ok(errors[0] instanceof SinkUnavailable)
      assert.match(errors[0].message, sentence)
      const { throttled, retryAfter } = errors[0]
      assert.deepEqual(
        { throttled, retryAfter },
        title === 'throttled'
          ? { throttled: true, retryAfter: 3_000 }
          : { throttled: false, retryAfter: undefined },
      )
      assert.equal(errors[0], errors[1])
    })
  }

  test('no answer: unavailable within send_timeout', async t => {
    const { topicArn } = create()
    const { send } = await open(t, topicArn, { send_timeout: '1s' })
    aws.fault = { action: 'PublishBatch', answer: () => 'never' }
    await assert.rejects(send(message('a')), { name: 'SinkUnavailable', message: /did not answer in time/ })
  })

  test('a topic that does not exist, or is of another region', async () => {
    const opens = (topic: string) => sns.sink!.open(endpoint(topic), context)
    await assert.rejects(
      opens(`arn:aws:sns:${region}:000000000000:none`),
      /topic arn.*:none does not exist in region eu-west-1/,
    )
    await assert.rejects(
      opens('arn:aws:sns:us-east-1:000000000000:t'),
      /is in region us-east-1 and its connection in eu-west-1/,
    )
  })

  test('check says whether the topic is there', async t => {
    const { topicArn } = create()
    const { sink } = await open(t, topicArn)
    await sink.check(never)
    aws.fault = { action: 'GetTopicAttributes', answer: () => snsError(403, 'AuthorizationError', 'no') }
    await assert.rejects(sink.check(never), {
      name: 'SinkUnavailable',
      message: /needs sns:GetTopicAttributes/,
    })
  })
})

describe('sns: a topic for each message', () => {
  const template = '${headers.topic}'
  const to = (address: string, body: string, more: Partial<Message> = {}) =>
    message(body, { address, ...more })

  test('each topic gets its own, and one that is missing or denied refuses its own by name', async t => {
    const { sink, send } = await open(t, template)
    const [one, other] = [create(), create()]
    const none = `arn:aws:sns:${region}:000000000000:none`
    const results = await Promise.allSettled([
      send(to(one.topicArn, 'a')),
      send(to(none, 'b')),
      send(to('arn:aws:sns:us-east-1:000000000000:t', 'c')),
      send(to('alarms', 'd')),
      send(to(other.topicArn, 'e')),
    ])
    const reasons = results.map(r => (r.status === 'rejected' ? (r.reason as Error) : undefined))
    assert.deepEqual([reasons[0], reasons[4]], [undefined, undefined])
    for (const i of [1, 2, 3]) assert.ok(reasons[i] instanceof MessageRefused, String(reasons[i]))
    assert.match(reasons[1]!.message, /topic arn.*:none does not exist in region eu-west-1/)
    assert.match(reasons[2]!.message, /is in region us-east-1/)
    assert.match(reasons[3]!.message, /"alarms" is no ARN of a topic, and \$\{headers.topic\} comes to that/)
    assert.deepEqual(
      (await receive(one.queueUrl)).map(m => m.Body),
      ['a'],
    )
    assert.deepEqual(
      (await receive(other.queueUrl)).map(m => m.Body),
      ['e'],
    )
    aws.fault = { action: 'PublishBatch', answer: () => snsError(403, 'AuthorizationError', 'no') }
    await assert.rejects(send(to(one.topicArn, 'f')), {
      name: 'MessageRefused',
      message: /AWS denied access to topic .*needs sns:Publish/,
    })
    aws.fault = undefined
    await assert.rejects(send(to(one.topicArn, 'x'.repeat(262_145))), /has 262145 bytes .* takes 262144/)
    await sink.check(never)
    aws.fault = { action: 'GetTopicAttributes', answer: () => snsError(500, 'InternalError', 'x') }
    await assert.rejects(sink.check(never), SinkUnavailable)
    await assert.rejects(sns.sink!.open(endpoint(template), context), /SNS fails/)
  })

  test('FIFO or not is that of the topic that it comes to', async t => {
    const { topicArn, queueUrl } = create('.fifo')
    const { send } = await open(t, template)
    await send(to(topicArn, 'a', { origin: 'plant/7', properties: { deduplicationId: 'd' } }))
    const [arrived] = await receive(queueUrl)
    assert.equal(arrived?.Attributes?.MessageGroupId, 'plant/7')
    assert.equal(sns.sink!.isOrdered!(endpoint(template)), false)
    assert.equal(sns.sink!.isOrdered!(endpoint(topicArn)), true)
    assert.equal(sns.sink!.address!(endpoint(topicArn)), topicArn)
  })

  test('a delay is refused', () => {
    const prepare = (delay: number) =>
      sns.sink!.prepare(
        endpoint(`arn:aws:sns:${region}:000000000000:t`),
        { maxMessageSize: 1_000 },
        message('a', { properties: { delay } }),
      )
    assert.throws(() => prepare(1), { name: 'MessageRefused', message: /SNS cannot delay/ })
    prepare(0)
  })
})
