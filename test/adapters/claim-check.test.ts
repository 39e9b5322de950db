import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { ReceivedAttribute } from '../../src/adapters/shared/aws/calls.ts'
import { pointerIn } from '../../src/adapters/shared/aws/claim-check.ts'
import { claimCheckFrom } from '../../src/adapters/shared/aws/claim-check-options.ts'
import { sns } from '../../src/adapters/sns/index.ts'
import type { SqsPrepared } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import type { LinkEvent, Sink } from '../../src/core/adapter.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Body, Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { until } from '../support/until.ts'
import { startAws } from './aws.ts'
import { Consumer } from './consumer.ts'
import { startS3 } from './s3.ts'

const pointer = (key: string, bucket = 'big') =>
  `["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"${bucket}","s3Key":"${key}"}]`

const message = (body: string | Body, more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: typeof body === 'string' ? { kind: 'text', text: body } : body,
  headers: {},
  ...more,
  properties: { deduplicationId: 'd1', ...more.properties },
})

const large = 'ü'.repeat(150_000)
const limits = { maxMessageSize: 1_048_576 }
const arn = 'arn:aws:sns:eu-west-1:000000000000:t'

const toQueue = (claim_check: object | undefined, more = {}, route = 'r') => ({
  connection: sqs.connection.parse({}),
  connectionName: 'c',
  route,
  options: sqs.sink!.options.parse({ queue: 'q', ...(claim_check && { claim_check }), ...more }),
})
const toTopic = (claim_check: object) => ({
  connection: sns.connection.parse({}),
  connectionName: 'c',
  route: 'r',
  options: sns.sink!.options.parse({ topic: arn, claim_check }),
})
const big = { bucket: 'big', prefix: 'p/' }

describe('claim check: what is sent', () => {
  test('a pointer as the Java writers have it, and the size of the body under the name of each', () => {
    for (const [prepared, name, body] of [
      ((p: SqsPrepared) => [p, 'SQSLargePayloadSize', p.entry.MessageBody] as const)(
        sqs.sink!.prepare(toQueue(big), limits, message(large)),
      ),
      ((p: ReturnType<NonNullable<typeof sns.sink>['prepare']>) =>
        [p, 'ExtendedPayloadSize', p.entry.Message] as const)(
        sns.sink!.prepare(toTopic(big), limits, message(large)),
      ),
    ] as const) {
      const { claim, entry, size } = prepared
      assert.deepEqual(entry.MessageAttributes, { [name]: { DataType: 'Number', StringValue: '300000' } })
      assert.match(claim!.key, /^p\/[0-9a-f]{64}$/)
      assert.equal(claim!.bucket, 'big')
      assert.equal(claim!.text, large)
      assert.equal(body, pointer(claim!.key))
      assert.equal(size, Buffer.byteLength(body) + name.length + 'Number'.length + '300000'.length)
    }
  })

  test('only past the threshold, attributes included, or past what the queue takes', () => {
    const claims = (bytes: number, options: object, more = {}, most = limits.maxMessageSize) =>
      sqs.sink!.prepare(
        toQueue({ ...big, ...options }),
        { maxMessageSize: most },
        message('x'.repeat(bytes), more),
      ).claim !== undefined
    assert.equal(claims(262_144, {}), false)
    assert.equal(claims(262_145, {}), true)
    assert.equal(claims(262_144, {}, { headers: { a: text('b') } }), true)
    assert.equal(claims(300_000, { threshold: '1MiB' }), false)
    assert.equal(claims(2_000, { threshold: '1MiB' }, {}, 1_024), true)
    assert.equal(claims(2_000, { threshold: '1KiB' }), true)
  })

  test('the same delivery to the same place has the same key; any other has another', () => {
    const key = (route: string, queue: string, id: string, body = large) =>
      sqs.sink!.prepare(
        toQueue(big, { queue }, route),
        limits,
        message(body, { properties: { deduplicationId: id } }),
      ).claim!.key
    assert.equal(key('r', 'q', 'd'), key('r', 'q', 'd'))
    const others = [
      key('s', 'q', 'd'),
      key('r', 'p', 'd'),
      key('r', 'q', 'e'),
      key('r', 'q', 'd', `${large}!`),
    ]
    assert.equal(new Set([key('r', 'q', 'd'), ...others]).size, 5)
  })

  test('bytes that are no text are base64 with their note, as in a message', () => {
    const bytes = Buffer.alloc(300_000, 0xff)
    const { claim, entry } = sqs.sink!.prepare(toQueue(big), limits, message({ kind: 'bytes', bytes }))
    assert.equal(claim!.text, bytes.toString('base64'))
    assert.equal(
      entry.MessageAttributes!.sluice_properties?.StringValue,
      '{"body":"bytes","encoding":"base64"}',
    )
    assert.equal(entry.MessageAttributes!.SQSLargePayloadSize?.StringValue, '400000')
  })

  test('format: jms: the body that the JMS library would have written is what goes to S3', () => {
    const bytes = Buffer.alloc(300_000, 0xff)
    const { claim, entry } = sqs.sink!.prepare(
      toQueue(big, { format: 'jms' }),
      limits,
      message({ kind: 'bytes', bytes }),
    )
    assert.equal(claim!.text, bytes.toString('base64'))
    assert.equal(entry.MessageAttributes!.JMS_SQSMessageType?.StringValue, 'byte')
    assert.equal(entry.MessageAttributes!.SQSLargePayloadSize?.StringValue, '400000')
  })

  test('one of the ten attributes is taken by the size, only when there is a pointer', () => {
    const headers = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`h${i}`, text('x')]))
    const refuse = { attributes: { overflow: 'refuse' } }
    const prepare = (body: string) =>
      sqs.sink!.prepare(toQueue(big, refuse), limits, message(body, { headers }))
    assert.equal(Object.keys(prepare('small').entry.MessageAttributes!).length, 10)
    assert.throws(() => prepare(large), /has 10 headers and SQS takes 10 attributes, .* SQSLargePayloadSize/)
    const packed = sqs.sink!.prepare(toQueue(big), limits, message(large, { headers }))
    assert.equal(Object.keys(packed.entry.MessageAttributes!).length, 10)
    assert.equal(packed.packed, 2)
  })

  test('refuses attributes that are too large for a pointer, a reserved header and a message without an id', () => {
    const refused = (more: Partial<Message>, pattern: RegExp, body = large) =>
      assert.throws(
        () => sqs.sink!.prepare(toQueue(big), limits, message(body, more)),
        (error: Error) => {
          assert.ok(error instanceof MessageRefused)
          assert.match(error.message, pattern)
          return true
        },
      )
    refused(
      { headers: { a: text('x'.repeat(2 ** 20)) } },
      /SQS takes 1048576 there, although its body is in S3/,
    )
    for (const name of ['SQSLargePayloadSize', 'ExtendedPayloadSize'])
      refused(
        { headers: { [name]: text('5') } },
        new RegExp(`^the header ${name} says that the body is in S3`),
        'small',
      )
    const { deduplicationId: _, ...properties } = message('').properties
    assert.throws(
      () => sqs.sink!.prepare(toQueue(big), limits, { ...message(large), properties }),
      /goes to S3 under the id of its delivery, and the message has none/,
    )
  })

  test('without a claim check, the reason names the size and what helps', () => {
    assert.throws(
      () => sqs.sink!.prepare(toQueue(undefined), limits, message('x'.repeat(2 ** 20 + 1))),
      /has 1048577 bytes with its attributes, and SQS takes 1048576 there: claim_check stores large bodies in S3/,
    )
  })

  test('what is shown names the object and its content', () => {
    const at = toQueue(big)
    const prepared = sqs.sink!.prepare(at, limits, message(large))
    const { body, fields } = sqs.sink!.show(at, prepared)
    assert.equal(body, pointer(prepared.claim!.key))
    const object = Object.fromEntries(
      fields.filter(f => f.section === 'S3 object').map(f => [f.name, f.value]),
    )
    assert.deepEqual(object, { Bucket: 'big', Key: prepared.claim!.key, Body: large })
  })

  test('options: a prefix that Java refuses, a threshold above what any queue takes', () => {
    const parse = (claim_check: object) => () => sqs.sink!.options.parse({ queue: 'q', claim_check })
    for (const prefix of ['/a', '.a', 'a/../b', 'a b', 'ä', 'x'.repeat(961)])
      assert.throws(parse({ ...big, prefix }))
    assert.throws(parse({ ...big, threshold: '2MiB' }), /at most 1MiB/)
    assert.throws(parse({ prefix: 'p/' }))
    parse({ bucket: 'big' })()
  })
})

describe('claim check: which pointers are followed', () => {
  const check = claimCheckFrom.unwrap().parse({ ...big, max_message_size: '1MiB' })
  const attributes = (value = '300000', name = 'SQSLargePayloadSize'): Record<string, ReceivedAttribute> => ({
    [name]: { DataType: 'Number', StringValue: value },
  })

  test('both names of the size, the new one first; both names of the class', () => {
    const found = { bucket: 'big', key: 'p/k', size: 300_000 }
    assert.deepEqual(pointerIn(pointer('p/k'), attributes(), check), found)
    assert.deepEqual(pointerIn(pointer('p/k'), attributes('300000', 'ExtendedPayloadSize'), check), found)
    const both = { ...attributes('5'), ...attributes('300000', 'ExtendedPayloadSize') }
    assert.deepEqual(pointerIn(pointer('p/k'), both, check), found)
    const old = '["com.amazon.sqs.javamessaging.MessageS3Pointer",{"s3BucketName":"big","s3Key":"p/k"}]'
    assert.deepEqual(pointerIn(old, attributes(), check), found)
  })

  test('without the attribute it is a text like any other', () => {
    assert.equal(pointerIn(pointer('p/k'), {}, check), undefined)
  })

  for (const [what, body, pattern, value] of [
    ['another bucket', pointer('p/k', 'theirs'), /in bucket "theirs", and claim_check has bucket big/],
    ['outside of the prefix', pointer('q/k'), /not below the prefix "p\/"/],
    ['a step up', pointer('p/../q/k'), /not below the prefix/],
    ['a step up at the end', pointer('p/..'), /not below the prefix/],
    ['a step nowhere', pointer('p/./k'), /not below the prefix/],
    ['a backslash', pointer('p/..\\\\q'), /not below the prefix/],
    ['a control character', pointer('p/\\u0000k'), /not below the prefix/],
    ['half a character', pointer('p/\\ud800'), /not below the prefix/],
    ['a key that is too long', pointer(`p/${'k'.repeat(1_023)}`), /not below the prefix/],
    ['too large', pointer('p/k'), /has 1048577 bytes; max_message_size of claim_check is 1048576/, '1048577'],
    ['no number', pointer('p/k'), /SQSLargePayloadSize is no number of bytes: "1e3"/, '1e3'],
    ['a negative number', pointer('p/k'), /no number of bytes/, '-1'],
    ['another class', pointer('p/k').replace('PayloadS3Pointer', 'Other'), /the body is no pointer/],
    ['a third item', pointer('p/k').replace(/]$/, ',1]'), /the body is no pointer/],
    ['a key that is no text', pointer('p/k').replace('"p/k"', '5'), /the body is no pointer/],
    ['no array', '{"0":"x"}', /the body is no pointer/],
    ['null', '[null,null]', /the body is no pointer/],
    ['no JSON', 'hello', /says that the body is in S3, and the body is no pointer to it: "hello"/],
  ] as const) {
    test(`not ${what}`, () => {
      assert.throws(
        () => pointerIn(body, attributes(value), check),
        (error: Error) => {
          assert.ok(error instanceof MessageRefused)
          assert.match(error.message, pattern)
          return true
        },
      )
    })
  }
})

describe('claim check on an emulator', () => {
  let aws: Awaited<ReturnType<typeof startAws>>
  let s3: Awaited<ReturnType<typeof startS3>>
  let client: SQSClient
  before(async () => {
    aws = await startAws()
    s3 = await startS3(aws.emulator.address)
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    client = new SQSClient({ region: 'eu-west-1', endpoint: aws.emulator.address, credentials })
    aws.emulator.createBucket('big')
  })
  after(async () => {
    client.destroy()
    await s3.stop()
    await aws.stop()
  })
  afterEach(() => {
    s3.fault = undefined
    s3.seen.length = 0
  })

  const never = new AbortController().signal
  const create = (suffix = '', attributes: Record<string, string> = {}) =>
    aws.emulator.createQueue(`q-${randomUUID()}${suffix}`, {
      region: 'eu-west-1',
      attributes: { ...attributes, ...(suffix === '.fifo' && { FifoQueue: 'true' }) },
    })
  const check = (more = {}) => ({ bucket: 'big', prefix: 'p/', endpoint: s3.endpoint, ...more })

  describe('sink', () => {
    const open = async (t: TestContext, queue: string, options = {}) => {
      const connection = sqs.connection.parse(aws.connection)
      const at = { ...toQueue(check(), { queue, ...options }), connection }
      const sink: Sink<SqsPrepared> = await sqs.sink!.open(at, { signal: never, report: () => {} })
      t.after(() => sink.close())
      const prepare = (m: Message) => sqs.sink!.prepare(at, sink.limits, m)
      return { sink, prepare, send: (m: Message, signal = never) => sink.send(prepare(m), signal) }
    }
    const receive = async (QueueUrl: string) => {
      const input = { QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }
      return (await client.send(new ReceiveMessageCommand(input))).Messages ?? []
    }

    test('the object is there before the message is', async t => {
      const { queueName, queueUrl } = create()
      const { send, prepare } = await open(t, queueName)
      let whenStored = -1
      s3.fault = ({ method }) => {
        if (method === 'PUT') whenStored = aws.emulator.inspectQueue(queueName)!.messages.ready.length
        return undefined
      }
      const { key } = prepare(message(large)).claim!
      await send(message(large))
      assert.equal(whenStored, 0)
      const [arrived] = await receive(queueUrl)
      assert.equal(arrived!.Body, pointer(key))
      const { bytes, ContentType } = await s3.get('big', key)
      assert.equal(bytes.toString(), large)
      assert.equal(ContentType, 'text/plain; charset=UTF-8')
    })

    test('an object that cannot be stored: each call is one failure of the target, and nothing is sent', async t => {
      const { queueName, queueUrl } = create()
      const { send } = await open(t, queueName)
      for (const [answer, pattern] of [
        [{ status: 503, code: 'SlowDown' }, /^S3 throttles s3:PutObject on bucket big/],
        [{ status: 500, code: 'InternalError' }, /^S3 fails \(s3:PutObject on bucket big\)/],
        [
          { status: 403, code: 'AccessDenied' },
          /denied access to bucket big .* it needs s3:PutObject to be allowed/,
        ],
        [{ status: 404, code: 'NoSuchBucket' }, /^bucket big does not exist in region eu-west-1/],
        [{ status: 400, code: 'Whatever' }, /^S3 did not take the object p\/[0-9a-f]{64}/],
        ['cut', /^the connection to S3 was lost|^S3 cannot be reached/],
      ] as const) {
        s3.fault = ({ method }) => (method === 'PUT' ? answer : undefined)
        const results = await Promise.allSettled([send(message(large)), send(message(`${large}!`))])
        const errors = results.map(r => (r.status === 'rejected' ? r.reason : assert.fail()))
        for (const error of errors) {
          assert.ok(error instanceof SinkUnavailable, String(error))
          assert.match(error.message, pattern)
        }
        assert.notEqual(errors[0], errors[1])
      }
      assert.deepEqual(await receive(queueUrl), [])
      s3.fault = undefined
      await send(message(large))
      assert.equal((await receive(queueUrl)).length, 1)
    })

    test('S3 that does not answer ends with the time limit, and holds up no small message', async t => {
      const { send } = await open(t, create().queueName, { send_timeout: '300ms' })
      s3.fault = ({ method }) => (method === 'PUT' ? 'never' : undefined)
      const stuck = send(message(large))
      stuck.catch(() => {})
      await send(message('small'))
      await assert.rejects(stuck, (error: Error) => {
        assert.match(error.message, /^S3 did not answer in time/)
        return error instanceof SinkUnavailable
      })
    })

    test('a send that is given up sends nothing', async t => {
      const { queueName, queueUrl } = create()
      const { send } = await open(t, queueName)
      const { promise, resolve } = Promise.withResolvers<undefined>()
      s3.fault = ({ method }) => (method === 'PUT' ? promise : undefined)
      const abort = new AbortController()
      const sent = send(message(large), abort.signal)
      await until(() => s3.seen.some(r => r.method === 'PUT'), { what: 'the call' })
      abort.abort(new Error('given up'))
      await assert.rejects(sent, /given up/)
      resolve(undefined)
      await send(message('small'))
      assert.deepEqual(
        (await receive(queueUrl)).map(m => m.Body),
        ['small'],
      )
    })

    test('messages of a group stay in their order, however long a body takes to be stored', async t => {
      const { queueName } = create('.fifo')
      const { send } = await open(t, queueName, { fifo_batches: 'fill' })
      const { promise, resolve } = Promise.withResolvers<undefined>()
      s3.fault = ({ method }) => (method === 'PUT' ? promise : undefined)
      const group = (n: number, body: string, groupId = 'g') =>
        send(message(body, { properties: { deduplicationId: `d${n}`, groupId } }))
      const sent = [group(1, large), group(2, 'two'), group(3, `${large}3`), group(4, 'four')]
      await group(5, 'five', 'other')
      resolve(undefined)
      await Promise.all(sent)
      const inQueue = aws.emulator.inspectQueue(queueName)!.messages.ready.map(m => m.body.slice(0, 4))
      assert.deepEqual(inQueue, ['five', '["so', 'two', '["so', 'four'])
    })

    test('many large bodies are as many objects and as few calls as their pointers fill', async t => {
      const { queueName } = create()
      const { send } = await open(t, queueName)
      const bodies = Array.from({ length: 30 }, (_, i) => `${i}-${large}`)
      await Promise.all(
        bodies.map((body, i) => send(message(body, { properties: { deduplicationId: `n${i}` } }))),
      )
      assert.equal(aws.emulator.inspectQueue(queueName)!.messages.ready.length, 30)
      assert.equal(s3.seen.filter(r => r.method === 'PUT').length, 30)
    })

    test('a bucket that is not there, or not ours, stops the opening and the check with a sentence', async t => {
      const { queueName } = create()
      const opening = (bucket: string) => open(t, queueName, { claim_check: check({ bucket }) })
      await assert.rejects(opening('nowhere'), /^Error: bucket nowhere does not exist in region eu-west-1/)
      s3.fault = () => ({ status: 403, code: '' })
      await assert.rejects(opening('big'), /AWS denied s3:ListBucket on bucket big/)
      s3.fault = () => ({ status: 301, code: '' })
      await assert.rejects(opening('big'), /bucket big is not in the region of its connection/)
      s3.fault = undefined
      const { sink } = await open(t, queueName)
      await sink.check(never)
      s3.fault = () => ({ status: 404, code: '' })
      await assert.rejects(sink.check(never), SinkUnavailable)
    })
  })

  describe('source', () => {
    async function open(t: TestContext, queue: string, options = {}, claim = {}) {
      const at = {
        connection: sqs.connection.parse(aws.connection),
        connectionName: 'aws',
        route: 'r',
        options: sqs.source!.options.parse({ queue, wait: '1s', claim_check: check(claim), ...options }),
      }
      const events: LinkEvent[] = []
      const consumer = await Consumer.by(deliver =>
        sqs.source!.open(at, deliver, { signal: never, report: event => events.push(event) }),
      )
      return Object.assign(consumer.closeAfter(t), { events })
    }
    const send = (QueueUrl: string, MessageBody: string, size?: number, more = {}) =>
      client.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody,
          ...(size !== undefined && {
            MessageAttributes: { SQSLargePayloadSize: { DataType: 'Number', StringValue: String(size) } },
          }),
          ...more,
        }),
      )
    const textOf = ({ body }: Message) => (body.kind === 'text' ? body.text : body.kind)
    const gets = () => s3.seen.filter(r => r.method === 'GET').map(r => r.key)

    test('the body is fetched, its size counts, and the attribute is gone', async t => {
      const { queueName, queueUrl } = create()
      await s3.put('big', 'p/a', large)
      await send(queueUrl, pointer('p/a'), 300_000)
      await send(queueUrl, 'small')
      const consumer = await open(t, queueName)
      const deliveries = await consumer.take(2)
      const fetched = deliveries.find(d => textOf(d.message) === large)
      assert.ok(fetched)
      assert.equal(fetched.fault, undefined)
      assert.deepEqual(fetched.message.headers, {})
      assert.equal(fetched.size, 300_000)
      await Promise.all(deliveries.map(d => d.settle('accepted')))
      assert.deepEqual(aws.emulator.inspectQueue(queueName)!.messages.inflight, [])
      await consumer.source.close()
      assert.ok((await s3.keys('big')).includes('p/a'), 'the object stays')
    })

    test('through a topic without raw delivery', async t => {
      const { queueName, queueUrl } = create()
      await s3.put('big', 'p/n', large)
      const attribute = { Type: 'Number', Value: '300000' }
      const MessageAttributes = { ExtendedPayloadSize: attribute, site: { Type: 'String', Value: 'north' } }
      const notification = { Type: 'Notification', TopicArn: arn, Message: pointer('p/n'), MessageAttributes }
      await send(queueUrl, JSON.stringify(notification))
      await send(queueUrl, JSON.stringify({ ...notification, Message: pointer('q/n') }))
      const consumer = await open(t, queueName, { body: 'sns' })
      const deliveries = await consumer.take(2)
      const good = deliveries.find(d => !d.fault)!
      assert.equal(textOf(good.message), large)
      assert.deepEqual(good.message.headers, { site: text('north') })
      assert.match(deliveries.find(d => d.fault)!.fault!.message, /not below the prefix/)
    })

    test('what must not be followed or cannot be had is a fault, with the pointer as it came; nothing else is asked for', async t => {
      const { queueName, queueUrl } = create()
      await s3.put('big', 'p/short', 'abc')
      await s3.put('big', 'p/long', 'x'.repeat(500))
      await s3.put('big', 'p/bytes', Buffer.from([0xff, 0xfe, 0xfd]))
      await s3.put('big', 'q/secret', 'abc')
      const forged = [
        ['q/secret', 3, /not below the prefix/],
        ['p/../q/secret', 3, /not below the prefix/],
        ['p/gone', 3, /^its body, the object "p\/gone" in bucket big, cannot be had: NoSuchKey/],
        ['p/short', 4, /it has 3 bytes, and the message says 4/],
        ['p/long', 400, /it has 500 bytes, and the message says 400/],
        ['p/bytes', 3, /it is no UTF-8/],
        ['p/short', 2 ** 27, /max_message_size of claim_check is 67108864/],
      ] as const
      for (const [key, size] of forged) await send(queueUrl, pointer(key), size)
      await send(queueUrl, 'no pointer', 5)
      const consumer = await open(t, queueName)
      const deliveries = await consumer.take(forged.length + 1)
      for (const [key, size, pattern] of forged) {
        const found = deliveries.find(
          ({ fault, message: { body } }) =>
            body.kind === 'text' && body.text === pointer(key) && pattern.test(fault?.message ?? ''),
        )
        assert.ok(found, `${key} ${size}: ${deliveries.map(d => d.fault?.message).join('\n')}`)
        assert.deepEqual(found.message.headers.SQSLargePayloadSize, { type: 'decimal', value: `${size}` })
      }
      assert.ok(deliveries.some(d => /no pointer to it: "no pointer"/.test(d.fault?.message ?? '')))
      assert.deepEqual(
        gets().filter(key => key.includes('secret')),
        [],
      )
    })

    test('a failure that may pass is tried again, is said once, and holds up nobody else', async t => {
      const { queueName, queueUrl } = create('', { VisibilityTimeout: '2' })
      await s3.put('big', 'p/later', large)
      await s3.put('big', 'p/now', large)
      await send(queueUrl, pointer('p/later'), 300_000)
      await send(queueUrl, pointer('p/now'), 300_000)
      let failures = 0
      const answers = [
        { status: 503, code: 'SlowDown' },
        'cut',
        { status: 403, code: 'AccessDenied' },
        { status: 404, code: 'NoSuchBucket' },
      ] as const
      s3.fault = ({ method, key }) =>
        method === 'GET' && key === 'p/later' ? answers[failures++] : undefined
      const consumer = await open(t, queueName)
      const [first] = await consumer.take(1)
      await first!.settle('accepted')
      await consumer.take(1)
      assert.equal(failures, 5)
      assert.equal(textOf(consumer.deliveries[1]!.message), large)
      assert.equal(consumer.deliveries[1]!.deliveryCount, 0)
      const notices = consumer.events.flatMap(e => (e.type === 'notice' ? [e.text] : []))
      assert.match(notices[0]!, /^S3 throttles s3:GetObject on bucket big.*; trying again$/)
    })

    test('a message whose body cannot be had for longer than its visibility stays ours, and comes again after closing', async t => {
      const { queueName, queueUrl } = create('', { VisibilityTimeout: '1' })
      await s3.put('big', 'p/held', large)
      await send(queueUrl, pointer('p/held'), 300_000)
      s3.fault = ({ method }) => (method === 'GET' ? { status: 503, code: 'SlowDown' } : undefined)
      const first = await open(t, queueName)
      const other = await open(t, queueName)
      first.grant(1)
      await until(() => gets().length >= 2, { what: 'two tries' })
      other.grant(1)
      const extended = () => aws.seen.filter(r => r.action === 'ChangeMessageVisibilityBatch').length
      const before = extended()
      await until(() => extended() >= before + 4, { what: 'two seconds, and two timeouts, more' })
      assert.equal(other.deliveries.length, 0)
      await first.source.close()
      s3.fault = undefined
      const [delivery] = await other.came(1)
      assert.equal(textOf(delivery!.message), large)
      assert.equal(first.deliveries.length, 0)
    })

    // The emulator hands out one message of a group at a time, and SQS many.
    test('in a FIFO queue those of the group wait, those of others do not, also behind a forged one', async t => {
      const { queueName } = create('.fifo')
      for (const key of ['p/1', 'p/3']) await s3.put('big', key, key + large)
      const one = (n: number, Body: string, size?: number, MessageGroupId = 'g') => ({
        MessageId: `${n}`,
        ReceiptHandle: `h${n}`,
        Body,
        Attributes: { MessageGroupId },
        MessageAttributes: size && { SQSLargePayloadSize: { DataType: 'Number', StringValue: `${size}` } },
      })
      const Messages = [
        one(1, pointer('p/1'), 300_003),
        one(2, 'two'),
        one(3, pointer('p/3'), 300_003),
        one(4, pointer('q/4'), 300_003),
        one(5, 'five'),
        one(6, 'other', undefined, 'h'),
      ]
      const answers = [Messages]
      t.after(() => {
        aws.fault = undefined
      })
      aws.fault = {
        action: 'ReceiveMessage',
        answer: () => ({ status: 200, headers: {}, body: JSON.stringify({ Messages: answers.pop() ?? [] }) }),
      }
      const { promise, resolve } = Promise.withResolvers<undefined>()
      s3.fault = ({ key }) => (key === 'p/1' ? promise : undefined)
      const consumer = await open(t, queueName)
      consumer.grant(6)
      await until(() => consumer.deliveries.length === 1 && gets().length === 1, { what: 'the other group' })
      resolve(undefined)
      await consumer.came(6)
      const came = consumer.deliveries.map(d => `${d.fault ? 'fault ' : ''}${textOf(d.message).slice(0, 3)}`)
      assert.deepEqual(came, ['oth', 'p/1', 'two', 'p/3', 'fault ["s', 'fiv'])
      assert.deepEqual(gets(), ['p/1', 'p/3'])
    })

    test('no more bodies are fetched than bytes were granted, one beyond them excepted', async t => {
      const { queueName, queueUrl } = create()
      for (let i = 0; i < 6; i++) {
        await s3.put('big', `p/m${i}`, large)
        await send(queueUrl, pointer(`p/m${i}`), 300_000)
      }
      await send(queueUrl, 'small')
      const consumer = await open(t, queueName)
      consumer.source.grant(10, 500_000)
      await until(() => consumer.deliveries.length === 3, { what: 'two large ones and the small one' })
      await until(() => aws.emulator.inspectQueue(queueName)!.messages.inflight.length === 7, { what: 'all' })
      assert.equal(gets().length, 2)
      consumer.source.grant(0, 500_000)
      await until(() => consumer.deliveries.length === 5, { what: 'two more' })
      assert.equal(gets().length, 4)
      consumer.source.grant(0, 10_000_000)
      await until(() => consumer.deliveries.length === 7, { what: 'the rest' })
    })

    test('after stop none is handed over, and closing gives back what was on its way', async t => {
      const { queueName, queueUrl } = create('', { VisibilityTimeout: '600' })
      await s3.put('big', 'p/way', large)
      await send(queueUrl, pointer('p/way'), 300_000)
      const { promise, resolve } = Promise.withResolvers<undefined>()
      s3.fault = ({ method }) => (method === 'GET' ? promise : undefined)
      const consumer = await open(t, queueName)
      consumer.grant(1)
      await until(() => gets().length === 1, { what: 'the fetch' })
      await consumer.source.stop()
      resolve(undefined)
      // Asks more of the same bucket than was under way.
      const second = await open(t, queueName)
      await consumer.source.close()
      assert.equal(consumer.deliveries.length, 0)
      await second.take(1)
    })

    test('delete: the object goes once its message was deleted, never that of a pointer which was not followed', async t => {
      const { queueName, queueUrl } = create()
      for (const key of ['p/del', 'p/keep', 'q/keep']) await s3.put('big', key, 'abc')
      await send(queueUrl, pointer('p/del'), 3)
      await send(queueUrl, pointer('p/keep'), 4)
      await send(queueUrl, pointer('q/keep'), 3)
      const consumer = await open(t, queueName, {}, { delete: true })
      const deliveries = await consumer.take(3)
      assert.ok((await s3.keys('big')).includes('p/del'))
      await Promise.all(deliveries.map(d => d.settle('accepted')))
      await consumer.source.close()
      const keys = await s3.keys('big')
      assert.deepEqual(
        ['p/del', 'p/keep', 'q/keep'].map(key => keys.includes(key)),
        [false, true, true],
      )
    })

    test('delete: one that fails is said, and the message is settled all the same', async t => {
      const { queueName, queueUrl } = create()
      await s3.put('big', 'p/stays', 'abc')
      await send(queueUrl, pointer('p/stays'), 3)
      const consumer = await open(t, queueName, {}, { delete: true })
      s3.fault = ({ method }) => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined)
      const [delivery] = await consumer.take(1)
      await delivery!.settle('accepted')
      await until(() => consumer.events.length > 0, { what: 'the notice' })
      const [event] = consumer.events
      assert.match(
        event?.type === 'notice' ? event.text : '',
        /needs s3:DeleteObject to be allowed.*; the object p\/stays stays/,
      )
    })

    test('without claim_check a pointer is a message like any other', async t => {
      const { queueName, queueUrl } = create()
      await send(queueUrl, pointer('p/a'), 300_000)
      const consumer = await open(t, queueName, { claim_check: undefined })
      const [delivery] = await consumer.take(1)
      assert.equal(textOf(delivery!.message), pointer('p/a'))
      assert.deepEqual(delivery!.message.headers, {
        SQSLargePayloadSize: { type: 'decimal', value: '300000' },
      })
    })
  })
})
