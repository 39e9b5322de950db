import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs'
import type { SqsPrepared } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import type { Sink } from '../../src/core/adapter.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { until } from '../support/until.ts'
import { type Answer, sqsError, startAws } from './aws.ts'

let aws: Awaited<ReturnType<typeof startAws>>
let client: SQSClient
before(async () => {
  aws = await startAws()
  client = new SQSClient({
    region: 'eu-west-1',
    endpoint: aws.emulator.address,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
})
after(async () => {
  client.destroy()
  await aws.stop()
})
afterEach(() => {
  aws.fault = undefined
})

const never = new AbortController().signal
const context = { signal: never, report: () => {} }

const create = (suffix = '', attributes: Record<string, string> = {}) =>
  aws.emulator.createQueue(`q-${randomUUID()}${suffix}`, {
    region: 'eu-west-1',
    attributes: { ...attributes, ...(suffix === '.fifo' && { FifoQueue: 'true' }) },
  })

const endpoint = (queue: string, options = {}, connection = {}) => ({
  connection: sqs.connection.parse({ ...aws.connection, ...connection }),
  connectionName: 'aws',
  route: 'r',
  options: sqs.sink!.options.parse({ queue, ...options }),
})

/** An open sink, with what a test does with it. */
async function open(t: TestContext, queue: string, options = {}) {
  const at = endpoint(queue, options)
  const sink: Sink<SqsPrepared> = await sqs.sink!.open(at, context)
  t.after(() => sink.close())
  const prepare = (message: Message) => sqs.sink!.prepare(at, sink.limits, message)
  return { sink, prepare, send: (message: Message, signal = never) => sink.send(prepare(message), signal) }
}

const message = (body: string, more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: body },
  headers: {},
  properties: {},
  ...more,
})

/** Takes all that is in the queue. */
async function receive(queueUrl: string): Promise<SqsMessage[]> {
  const all: SqsMessage[] = []
  for (;;) {
    const { Messages } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['All'],
      }),
    )
    if (!Messages?.length) return all
    all.push(...Messages)
    const Entries = Messages.map((m, i) => ({ Id: `${i}`, ReceiptHandle: m.ReceiptHandle }))
    await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
  }
}
const bodies = (messages: readonly SqsMessage[]) => messages.map(m => m.Body).sort()
const outcomes = (sent: readonly Promise<object>[]) => Promise.allSettled(sent)
const batches = () => aws.seen.filter(r => r.action === 'SendMessageBatch')

interface Entry {
  readonly Id: string
  readonly MessageBody: string
}
const entriesOf = (body: string) => (JSON.parse(body) as { Entries: Entry[] }).Entries

describe('sqs: what arrives', () => {
  test('every type of header, the properties, by a real ReceiveMessage', async t => {
    const { queueName, queueUrl } = create()
    const { send } = await open(t, queueName)
    const kinds: Record<string, Value> = {
      s: text('é 🦑'),
      b: { type: 'bool', value: false },
      i: { type: 'int32', value: -5 },
      l: { type: 'int64', value: 9_007_199_254_740_993n },
      f: { type: 'float32', value: Math.fround(0.1) },
      d: { type: 'float64', value: 1e-7 },
      raw: { type: 'bytes', value: Uint8Array.from([0, 255, 128]) },
      none: { type: 'null' },
      empty: text(''),
    }
    await send(message('héllo', { headers: kinds, properties: { messageId: text('ID:1'), priority: 4 } }))
    const [arrived] = await receive(queueUrl)
    assert.equal(arrived?.Body, 'héllo')
    const attributes = Object.fromEntries(
      Object.entries(arrived.MessageAttributes ?? {}).map(([name, a]) => [
        name,
        `${a.DataType} ${a.StringValue ?? Buffer.from(a.BinaryValue!).toString('hex')}`,
      ]),
    )
    assert.deepEqual(attributes, {
      s: 'String é 🦑',
      b: 'Number.Boolean 0',
      i: 'Number.int -5',
      l: 'Number.long 9007199254740993',
      f: 'Number.float 0.10000000149011612',
      d: 'String.double 1e-7',
      raw: 'Binary 00ff80',
      none: 'String.json null',
      empty: 'String.json ""',
      sluice_properties: 'String {"messageId":"ID:1","priority":4}',
    })
  })

  test('an emoji in a body, on the wire (fauxqs 2.4.1 refuses what SQS takes)', async t => {
    const { send } = await open(t, create().queueName)
    let arrived = ''
    aws.fault = {
      action: 'SendMessageBatch',
      answer: request => {
        const [{ Id, MessageBody } = assert.fail()] = entriesOf(request.body)
        arrived = MessageBody
        return { status: 200, headers: {}, body: JSON.stringify({ Successful: [{ Id }] }) }
      },
    }
    await send(message('hi 🦑'))
    assert.equal(arrived, 'hi 🦑')
  })

  test('10 x 200 KiB: batches by bytes, and nothing is too long', async t => {
    const { queueName, queueUrl } = create()
    const { send } = await open(t, queueName)
    const from = batches().length
    await Promise.all(Array.from({ length: 10 }, (_, i) => send(message(`${i}`.repeat(200 * 1024)))))
    assert.deepEqual(
      batches()
        .slice(from)
        .map(r => entriesOf(r.body).length),
      [5, 5],
    )
    assert.equal((await receive(queueUrl)).length, 10)
  })

  test('a message as large as SQS takes', async t => {
    const { queueName, queueUrl } = create()
    const { send, sink } = await open(t, queueName)
    assert.equal(sink.limits.maxMessageSize, 1_048_576)
    await send(message('x'.repeat(1_048_576)))
    assert.equal((await receive(queueUrl))[0]?.Body?.length, 1_048_576)
  })

  test("the limit is the queue's own", async t => {
    const { queueName } = create('', { MaximumMessageSize: '1024' })
    const { send, sink } = await open(t, queueName)
    assert.equal(sink.limits.maxMessageSize, 1024)
    assert.throws(() => send(message('x'.repeat(1025))), /1025 bytes .* 1024/)
  })

  test('a queue by its URL and by its ARN', async t => {
    const { queueUrl, queueArn } = create()
    await (await open(t, queueUrl)).send(message('url'))
    await (await open(t, queueArn)).send(message('arn'))
    assert.deepEqual(bodies(await receive(queueUrl)), ['arn', 'url'])
  })

  test('FIFO: group and deduplication id, each group in order', async t => {
    const { queueUrl } = create('.fifo')
    const { send } = await open(t, queueUrl)
    const all = Array.from({ length: 30 }, (_, i) =>
      message(`${i}`, { properties: { groupId: `g${i % 3}`, deduplicationId: `d${i}` } }),
    )
    await Promise.all(all.map(m => send(m)))
    for (const { body } of batches().slice(-10)) assert.equal(entriesOf(body).length, 3, 'one of each group')
    const arrived = await receive(queueUrl)
    for (const group of [0, 1, 2]) {
      const ofGroup = arrived
        .filter(m => m.Attributes?.MessageGroupId === `g${group}`)
        .map(m => Number(m.Body))
      assert.deepEqual(
        ofGroup,
        Array.from({ length: 10 }, (_, i) => i * 3 + group),
      )
    }
    assert.equal(arrived.find(m => m.Body === '7')?.Attributes?.MessageDeduplicationId, 'd7')
  })

  test('FIFO: two equal messages both arrive, although the queue deduplicates by content', async t => {
    const { queueUrl } = create('.fifo', { ContentBasedDeduplication: 'true' })
    const { send } = await open(t, queueUrl)
    await send(message('OPEN', { properties: { deduplicationId: 'd1' } }))
    await send(message('OPEN', { properties: { deduplicationId: 'd2' } }))
    assert.equal((await receive(queueUrl)).length, 2)
  })
})

describe('sqs: settling', () => {
  test('send resolves only after SQS has answered', async t => {
    const { queueName } = create()
    const { send } = await open(t, queueName)
    const asked = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    aws.fault = {
      action: 'SendMessageBatch',
      answer: async request => {
        const answer = await request.forward()
        asked.resolve()
        await go.promise
        return answer
      },
    }
    let settled = false
    const sent = send(message('a')).then(() => {
      settled = true
    })
    await asked.promise
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(settled, false)
    go.resolve()
    await sent
  })

  test('a partial failure fails the guilty one and no other; all fields are kept on a resend', async t => {
    const { queueUrl } = create('.fifo')
    const { sink, prepare } = await open(t, queueUrl)
    const prepared = Array.from({ length: 10 }, (_, i) =>
      prepare(
        message(`${i}`, {
          headers: { n: { type: 'int32', value: i } },
          properties: { groupId: `g${i}`, deduplicationId: `d${i}` },
        }),
      ),
    )
    aws.fault = {
      action: 'SendMessageBatch',
      answer: async request => {
        const input = JSON.parse(request.body) as { Entries: Entry[] }
        const answer = await request.forward(
          JSON.stringify({ ...input, Entries: input.Entries.filter(e => !'345'.includes(e.MessageBody)) }),
        )
        const { Successful } = JSON.parse(answer.body) as { Successful: { Id: string }[] }
        const failed = (body: string, Code: string, SenderFault: boolean) => ({
          Id: input.Entries.find(e => e.MessageBody === body)!.Id,
          Code,
          SenderFault,
          Message: 'no',
        })
        // 5 is in neither list.
        const Failed = [failed('3', 'InvalidParameterValue', true), failed('4', 'InternalError', false)]
        return { ...answer, body: JSON.stringify({ Successful, Failed }) }
      },
    }
    const first = await outcomes(prepared.map(p => sink.send(p, never)))
    aws.fault = undefined
    const failed = first.flatMap((r, i) => (r.status === 'rejected' ? [[i, r.reason] as const] : []))
    assert.deepEqual(
      failed.map(([i]) => i),
      [3, 4, 5],
    )
    assert.ok(failed[0]?.[1] instanceof MessageRefused)
    assert.match(String(failed[0]?.[1]), /InvalidParameterValue: no/)
    assert.ok(failed[1]?.[1] instanceof SinkUnavailable)
    assert.ok(failed[2]?.[1] instanceof SinkUnavailable)
    await sink.send(prepared[4]!, never)
    const arrived = await receive(queueUrl)
    const again = arrived.find(m => m.Body === '4')
    assert.equal(again?.Attributes?.MessageGroupId, 'g4')
    assert.equal(again?.Attributes?.MessageDeduplicationId, 'd4')
    assert.equal(again?.MessageAttributes?.n?.StringValue, '4')
    assert.equal(arrived.length, 8)
  })

  test('an unknown 4xx of a call of ten: nine arrive and one fails', async t => {
    const { queueName, queueUrl } = create()
    const { send } = await open(t, queueName)
    aws.fault = {
      action: 'SendMessageBatch',
      answer: request =>
        request.body.includes('guilty') ? sqsError(400, 'SomethingNew', 'what?') : request.forward(),
    }
    const sent = Array.from({ length: 10 }, (_, i) => send(message(i === 6 ? 'guilty' : `${i}`)))
    const results = await outcomes(sent)
    assert.deepEqual(
      results.flatMap((r, i) => (r.status === 'rejected' ? [i] : [])),
      [6],
    )
    await assert.rejects(
      sent[6]!,
      (e: unknown) => !(e instanceof SinkUnavailable) && /what\?/.test(String(e)),
    )
    assert.equal((await receive(queueUrl)).length, 9)
  })

  for (const [code, status] of [
    ['InvalidMessageContents', 400],
    ['BatchRequestTooLong', 400],
    ['UnsupportedOperation', 400],
  ] as const) {
    test(`${code} of a whole call refuses the guilty one alone`, async t => {
      const { queueName, queueUrl } = create()
      const { send } = await open(t, queueName)
      aws.fault = {
        action: 'SendMessageBatch',
        answer: request =>
          request.body.includes('guilty')
            ? sqsError(status, code, 'no', `AWS.SimpleQueueService.${code}`)
            : request.forward(),
      }
      const [, guilty] = await outcomes([send(message('a')), send(message('guilty')), send(message('b'))])
      assert.ok(guilty?.status === 'rejected' && guilty.reason instanceof MessageRefused)
      assert.deepEqual(bodies(await receive(queueUrl)), ['a', 'b'])
    })
  }

  const outages: [string, Answer, RegExp][] = [
    [
      'throttled',
      sqsError(403, 'RequestThrottled', 'slow down', 'RequestThrottled'),
      /SQS throttles sqs:SendMessage/,
    ],
    [
      'throttled by KMS',
      sqsError(400, 'KmsThrottled', 'x', 'KMS.ThrottlingException'),
      /KMS key of queue .* cannot be used/,
    ],
    [
      'access denied',
      sqsError(403, 'AccessDeniedException', 'x', 'AccessDenied'),
      /needs sqs:SendMessage to be allowed/,
    ],
    [
      'queue deleted',
      sqsError(400, 'QueueDoesNotExist', 'x', 'AWS.SimpleQueueService.NonExistentQueue'),
      /does not exist in region eu-west-1/,
    ],
    ['expired token', sqsError(400, 'ExpiredTokenException', 'x'), /does not accept the credentials/],
    ['500', sqsError(500, 'InternalFailure', 'x'), /SQS fails/],
    [
      '502 in HTML',
      { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>Bad Gateway</html>' },
      /SQS answered 502/,
    ],
  ]
  for (const [title, answer, sentence] of outages) {
    test(`${title}: the target is unavailable, one error for all, and nothing is sent alone`, async t => {
      const { queueName } = create()
      const { send } = await open(t, queueName)
      aws.fault = { action: 'SendMessageBatch', answer: () => answer }
      const from = batches().length
      const results = await outcomes([send(message('a')), send(message('b'))])
      const errors = results.map(r => (r.status === 'rejected' ? (r.reason as unknown) : undefined))
      assert.ok(errors[0] instanceof SinkUnavailable)
      assert.match(errors[0].message, sentence)
      assert.equal(errors[0], errors[1])
      assert.equal(batches().length - from, 1, 'the SDK does not try again on its own')
    })
  }

  for (const silence of ['never', 'half'] as const) {
    test(`no answer (${silence}): unavailable with an unknown result within send_timeout`, async t => {
      const { queueName } = create()
      const { send } = await open(t, queueName, { send_timeout: '1s' })
      aws.fault = { action: 'SendMessageBatch', answer: () => silence }
      const started = performance.now()
      await assert.rejects(send(message('a')), { name: 'SinkUnavailable', message: /did not answer in time/ })
      assert.ok(performance.now() - started < 5_000)
      aws.fault = undefined
      await send(message('b'))
    })
  }

  test('nobody listens any more: unavailable, for send and for check', async t => {
    const other = await startAws()
    const { queueName } = other.emulator.createQueue(`q-${randomUUID()}`, { region: 'eu-west-1' })
    const at = endpoint(queueName, {}, { endpoint: other.endpoint })
    const sink = await sqs.sink!.open(at, context)
    t.after(() => sink.close())
    await other.stop()
    const prepared = sqs.sink!.prepare(at, sink.limits, message('a'))
    // The socket kept from opening may be found closed only by using it.
    await assert.rejects(sink.send(prepared, never), {
      name: 'SinkUnavailable',
      message: /cannot be reached|was lost/,
    })
    await assert.rejects(sink.check(never), { name: 'SinkUnavailable', message: /cannot be reached/ })
  })

  test('close lets what is in flight end, rejects the rest, and resolves closed', async t => {
    const { queueName, queueUrl } = create()
    const { sink, send } = await open(t, queueName, { concurrency: 1 })
    const go = Promise.withResolvers<void>()
    const from = batches().length
    aws.fault = {
      action: 'SendMessageBatch',
      answer: async request => {
        await go.promise
        return request.forward()
      },
    }
    const flying = send(message('a'))
    await until(() => batches().length > from, { what: 'the call' })
    const waiting = send(message('b'))
    const closed = sink.close()
    await assert.rejects(waiting, { name: 'LinkLost' })
    go.resolve()
    await flying
    await closed
    assert.equal(await sink.closed, undefined)
    await sink.close()
    assert.deepEqual(bodies(await receive(queueUrl)), ['a'])
  })
})

describe('sqs: opening', () => {
  const opens = (queue: string, connection = {}) => sqs.sink!.open(endpoint(queue, {}, connection), context)

  test('a queue that does not exist is named, with the region', async () => {
    const name = `none-${randomUUID()}`
    await assert.rejects(opens(name), {
      message: new RegExp(`^queue ${name} does not exist in region eu-west-1`),
    })
    await assert.rejects(opens(`${aws.endpoint}/000000000000/${name}`), /does not exist in region eu-west-1/)
  })

  test('a queue of another region', async () => {
    await assert.rejects(
      opens('arn:aws:sqs:us-east-1:000000000000:q'),
      /is in region us-east-1 and its connection in eu-west-1/,
    )
    await assert.rejects(
      opens('https://sqs.us-east-1.amazonaws.com/000000000000/q'),
      /is in region us-east-1/,
    )
  })

  test('credentials that AWS does not accept, and a permission that is missing', async () => {
    const { queueName } = create()
    aws.fault = {
      action: 'GetQueueUrl',
      answer: () => sqsError(403, 'InvalidClientTokenId', 'The security token is invalid'),
    }
    await assert.rejects(
      opens(queueName),
      /AWS does not accept the credentials.*The security token is invalid/,
    )
    aws.fault = {
      action: 'GetQueueAttributes',
      answer: () => sqsError(403, 'AccessDeniedException', 'User x is not authorized'),
    }
    await assert.rejects(
      opens(queueName),
      /denied access to queue .* it needs sqs:GetQueueAttributes to be allowed/,
    )
  })

  test('an endpoint where nobody listens', async () => {
    await assert.rejects(
      opens('q', { endpoint: 'http://127.0.0.1:9' }),
      /SQS cannot be reached .* at http:\/\/127.0.0.1:9/,
    )
  })

  test('no credentials and no region', async t => {
    const names = [
      'AWS_REGION',
      'AWS_DEFAULT_REGION',
      'AWS_PROFILE',
      'AWS_ACCESS_KEY_ID',
      'AWS_SECRET_ACCESS_KEY',
      'HOME',
    ]
    const before = names.map(name => [name, process.env[name]] as const)
    t.after(() => {
      for (const [name, value] of before) if (value !== undefined) process.env[name] = value
      delete process.env.AWS_EC2_METADATA_DISABLED
    })
    for (const name of names) delete process.env[name]
    process.env.AWS_EC2_METADATA_DISABLED = 'true'
    process.env.HOME = '/nonexistent'
    const bare = { connectionName: 'aws', route: 'r', options: sqs.sink!.options.parse({ queue: 'q' }) }
    const without = (connection: object) =>
      sqs.sink!.open({ ...bare, connection: sqs.connection.parse(connection) }, context)
    await assert.rejects(
      without({}),
      /no AWS region for queue q: set region on the connection, or AWS_REGION/,
    )
    await assert.rejects(
      without({ region: 'eu-west-1', endpoint: aws.endpoint }),
      /no AWS credentials were found/,
    )
  })

  test('the signal ends it', async () => {
    aws.fault = { action: 'GetQueueUrl', answer: () => 'never' }
    const from = aws.seen.length
    const stop = new AbortController()
    const opening = sqs.sink!.open(endpoint('q'), { signal: stop.signal, report: () => {} })
    await until(() => aws.seen.length > from, { what: 'the call' })
    stop.abort(new Error('stopped'))
    await assert.rejects(opening, /stopped/)
  })

  test('check says whether the target is there', async t => {
    const { queueName } = create()
    const { sink } = await open(t, queueName)
    await sink.check(never)
    aws.emulator.deleteQueue(queueName, { region: 'eu-west-1' })
    await assert.rejects(sink.check(never), { name: 'SinkUnavailable', message: /does not exist/ })
  })
})

describe('sqs: a queue for each message', () => {
  const template = '${headers.queue}'
  const to = (address: string, body: string, more: Partial<Message> = {}) =>
    message(body, { address, ...more })

  test('many queues by name, URL and ARN, each in order in batches of its own', async t => {
    const { sink, send } = await open(t, template, { concurrency: 4 })
    const queues = Array.from({ length: 12 }, () => create('.fifo'))
    const from = batches().length
    const written = (i: number) => [queues[i]!.queueName, queues[i]!.queueUrl, queues[i]!.queueArn][i % 3]!
    const all = Array.from({ length: 12 * 10 }, (_, i) =>
      to(written(i % 12), `${i}`, { properties: { groupId: 'g', deduplicationId: `d${i}` } }),
    )
    await Promise.all(all.map(m => send(m)))
    for (const [i, { queueUrl }] of queues.entries()) {
      const came = (await receive(queueUrl)).map(m => Number(m.Body))
      assert.deepEqual(
        came,
        Array.from({ length: 10 }, (_, n) => i + n * 12),
      )
    }
    const urls = batches()
      .slice(from)
      .map(({ body }) => (JSON.parse(body) as { QueueUrl: string }).QueueUrl)
    assert.equal(new Set(urls).size, 12)
    assert.equal(sink.limits.maxMessageSize, 1_048_576)
  })

  test('a queue that is missing, or was deleted: its messages are refused by name, the others arrive', async t => {
    const { send } = await open(t, template)
    const { queueName, queueUrl } = create()
    const gone = create()
    await send(to(gone.queueName, 'before'))
    aws.emulator.deleteQueue(gone.queueName, { region: 'eu-west-1' })
    const none = `none-${randomUUID()}`
    const results = await outcomes([
      send(to(gone.queueName, 'a')),
      send(to(none, 'b')),
      send(to(queueName, 'c')),
      send(to('arn:aws:sqs:us-east-1:000000000000:q', 'd')),
    ])
    const reasons = results.map(r => (r.status === 'rejected' ? (r.reason as Error) : undefined))
    assert.equal(reasons[2], undefined)
    for (const i of [0, 1, 3]) assert.ok(reasons[i] instanceof MessageRefused, String(reasons[i]))
    assert.match(
      reasons[0]!.message,
      new RegExp(`queue ${gone.queueName} does not exist in region eu-west-1`),
    )
    assert.match(reasons[1]!.message, new RegExp(`queue ${none} does not exist`))
    assert.match(reasons[3]!.message, /is in region us-east-1 and its connection in eu-west-1/)
    assert.deepEqual(bodies(await receive(queueUrl)), ['c'])
  })

  test('a queue that denies us refuses its messages; one throttled is only slow', async t => {
    const { send } = await open(t, template)
    const { queueName } = create()
    aws.fault = { action: 'SendMessageBatch', answer: () => sqsError(403, 'AccessDenied', 'no') }
    await assert.rejects(send(to(queueName, 'a')), {
      name: 'MessageRefused',
      message: new RegExp(`AWS denied access to queue ${queueName} .*needs sqs:SendMessage`),
    })
    aws.fault = { action: 'GetQueueUrl', answer: () => sqsError(403, 'AccessDenied', 'no') }
    await assert.rejects(send(to(create().queueName, 'a')), {
      name: 'MessageRefused',
      message: /sqs:GetQueueUrl/,
    })
    aws.fault = {
      action: 'SendMessageBatch',
      answer: () => sqsError(403, 'RequestThrottled', 'slow', 'RequestThrottled'),
    }
    await assert.rejects(send(to(queueName, 'a')), SinkUnavailable)
  })

  test('FIFO or not, and the default group, are those of the queue that it comes to', async t => {
    const { prepare } = await open(t, template)
    const properties = { deduplicationId: 'd' }
    const { entry } = prepare(to('replies.fifo', 'a', { properties, origin: 'plant/valve 1' }))
    assert.deepEqual([entry.MessageGroupId, entry.MessageDeduplicationId], ['plant/valve%201', 'd'])
    assert.equal('MessageGroupId' in prepare(to('replies', 'a', { properties })).entry, false)
    assert.equal(sqs.sink!.isOrdered!(endpoint(template)), false)
    assert.equal(sqs.sink!.isOrdered!(endpoint(`${template}-valves.fifo`)), true)
    assert.equal(sqs.sink!.address!(endpoint(template)), template)
  })

  test('what is no queue is refused, and a URL never leads elsewhere', async t => {
    const { prepare, send } = await open(t, template)
    for (const wrong of [
      '',
      'two words',
      'https://elsewhere.example/',
      'queue://ORDERS',
      'arn:aws:sns:x:000000000000:t',
    ]) {
      assert.throws(() => prepare(to(wrong, 'a')), {
        name: 'MessageRefused',
        message: /neither name, URL nor ARN of a queue, and \$\{headers.queue\} comes to that/,
      })
    }
    const { queueName, queueUrl } = create()
    const other = await startAws()
    t.after(() => other.stop())
    await send(to(`${other.endpoint}/000000000000/${queueName}`, 'a'))
    assert.deepEqual(bodies(await receive(queueUrl)), ['a'])
    assert.equal(other.seen.length, 0)
  })

  test("a queue's own limit", async t => {
    const { send } = await open(t, template)
    const { queueName } = create('', { MaximumMessageSize: '1024' })
    await send(to(queueName, 'x'.repeat(1_024)))
    await assert.rejects(send(to(queueName, 'x'.repeat(1_025))), {
      name: 'MessageRefused',
      message: /has 1025 bytes .* takes 1024/,
    })
  })

  test('opening and check ask whether SQS is there and takes the credentials, and no more', async t => {
    const { sink } = await open(t, template)
    await sink.check(never)
    aws.fault = { action: 'GetQueueUrl', answer: () => sqsError(403, 'AccessDenied', 'not this one') }
    await sink.check(never)
    aws.fault = { action: 'GetQueueUrl', answer: () => sqsError(403, 'InvalidClientTokenId', 'who?') }
    await assert.rejects(sink.check(never), {
      name: 'SinkUnavailable',
      message: /does not accept the credentials/,
    })
    await assert.rejects(sqs.sink!.open(endpoint(template), context), /does not accept the credentials/)
    aws.fault = { action: 'GetQueueUrl', answer: () => sqsError(500, 'InternalFailure', 'x') }
    await assert.rejects(sink.check(never), SinkUnavailable)
    await assert.rejects(
      sqs.sink!.open(endpoint(template, {}, { endpoint: 'http://127.0.0.1:9' }), context),
      /SQS cannot be reached/,
    )
  })
})

describe('sqs: delay', () => {
  const entryOf = (delay: number, queue = 'q') =>
    sqs.sink!.prepare(
      endpoint(queue),
      { maxMessageSize: 1_000 },
      message('a', { properties: { delay, deduplicationId: 'd' } }),
    ).entry

  test('is in seconds, rounded up, and at most 15 minutes', () => {
    assert.deepEqual(
      [0, 1, 1_000, 1_001, 900_000].map(delay => entryOf(delay).DelaySeconds),
      [0, 1, 1, 2, 900],
    )
    assert.equal(
      sqs.sink!.prepare(endpoint('q'), { maxMessageSize: 9 }, message('a')).entry.DelaySeconds,
      undefined,
    )
    assert.throws(() => entryOf(900_001), {
      name: 'MessageRefused',
      message: /delay of 901 s, and SQS delays by 900 s/,
    })
    assert.throws(() => entryOf(-1_000), MessageRefused)
    assert.throws(() => entryOf(Number.NaN), MessageRefused)
  })

  test('a FIFO queue takes none for one message', () => {
    assert.equal(entryOf(0, 'q.fifo').DelaySeconds, undefined)
    assert.throws(() => entryOf(1_000, 'q.fifo'), {
      name: 'MessageRefused',
      message: /FIFO queue q.fifo takes none/,
    })
  })

  test('the message is not there before', async t => {
    const { queueName, queueUrl } = create()
    const { send } = await open(t, queueName)
    await send(message('later', { properties: { delay: 1_500 } }))
    assert.deepEqual(await receive(queueUrl), [])
    await until(async () => (await receive(queueUrl)).length === 1, { what: 'the message' })
  })
})
