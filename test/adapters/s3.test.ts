import assert from 'node:assert/strict'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { s3 as adapter } from '../../src/adapters/s3/index.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { recordMessage } from '../../src/route/dead-letter/record.ts'
import { until } from '../support/until.ts'
import { startAws } from './aws.ts'
import { startS3 } from './s3.ts'

let aws: Awaited<ReturnType<typeof startAws>>
let s3: Awaited<ReturnType<typeof startS3>>
before(async () => {
  aws = await startAws()
  s3 = await startS3(aws.emulator.address)
})
after(async () => {
  await s3.stop()
  await aws.stop()
})
afterEach(() => {
  s3.fault = undefined
  s3.seen.length = 0
})

const never = new AbortController().signal
const sink = adapter.sink!

const endpoint = (bucket: string, options = {}) => ({
  connection: adapter.connection.parse({ ...aws.connection, endpoint: s3.endpoint }),
  connectionName: 'archive',
  route: 'r',
  options: sink.options.parse({ bucket, prefix: 'dead/', ...options }),
})

async function open(t: TestContext, options = {}) {
  const { bucketName: bucket } = aws.emulator.createBucket(`b-${crypto.randomUUID()}`)
  const at = endpoint(bucket, options)
  const opened = await sink.open(at, { signal: never, report: () => {} })
  t.after(() => opened.close())
  const prepare = (m: Message) => sink.prepare(at, opened.limits, m)
  return {
    bucket,
    at,
    opened,
    prepare,
    send: (m: Message, signal = never) => opened.send(prepare(m), signal),
    only: async () => {
      const keys = await s3.keys(bucket)
      assert.equal(keys.length, 1)
      return { key: keys[0]!, ...(await s3.get(bucket, keys[0]!)) }
    },
  }
}

const message = (more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: 'Grüße' },
  headers: {},
  ...more,
  properties: { deduplicationId: 'd1', ...more.properties },
})

describe('s3 sink', () => {
  test('a dead letter of any size: all of it is the object, under time and id', async t => {
    const { send, only } = await open(t)
    const died = {
      route: 'r',
      target: 'main',
      reason: 'too large, größer',
      kind: 'refused',
      attempts: 1,
      receivedAt: 1,
      diedAt: 2,
    } as const
    const body = { kind: 'bytes', bytes: Buffer.alloc(8 * 2 ** 20, 7) } as const
    const record = recordMessage({
      ...died,
      message: message({ body, properties: { deduplicationId: 'd' } }),
    })
    await send(record)
    const { key, bytes, ContentType, Metadata } = await only()
    assert.match(key, /^dead\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z-[0-9a-f]{64}$/)
    assert.equal(bytes.toString(), record.body.kind === 'text' && record.body.text)
    assert.equal(ContentType, 'application/vnd.sluice.dead-letter+json')
    assert.deepEqual(JSON.parse(Metadata!.sluice_headers!), {
      sluice_route: 'r',
      sluice_target: 'main',
      sluice_reason: 'too large, gr??er',
    })
  })

  test('as a target: the body, its type, and headers and properties as metadata', async t => {
    const { send, only } = await open(t)
    await send(
      message({
        body: { kind: 'bytes', bytes: Buffer.from([0, 255]) },
        headers: { 'a b': text('é😀'), n: { type: 'int32', value: 5 } },
        properties: {
          contentType: 'image/x',
          contentEncoding: 'gzip',
          messageId: text('ID:1'),
          subject: 'ü',
        },
      }),
    )
    const { bytes, ContentType, ContentEncoding, Metadata } = await only()
    assert.deepEqual(bytes, Buffer.from([0, 255]))
    assert.equal(ContentType, 'image/x')
    assert.equal(ContentEncoding, 'gzip')
    assert.deepEqual(JSON.parse(Metadata!.sluice_headers!), { 'a b': 'é😀', n: { int32: 5 } })
    assert.deepEqual(JSON.parse(Metadata!.sluice_properties!), { messageId: 'ID:1', subject: 'ü' })
  })

  test('each kind of body has a type of its own where the message names none', () => {
    const typeOf = (body: Message['body'], contentType?: string) => {
      const properties = contentType === undefined ? {} : { contentType }
      return sink.prepare(endpoint('bbb'), sink.usualLimits(endpoint('bbb')), message({ body, properties }))
        .object.contentType
    }
    assert.equal(typeOf({ kind: 'text', text: '' }), 'text/plain; charset=UTF-8')
    assert.equal(typeOf({ kind: 'list', items: [] }), 'application/json')
    assert.equal(typeOf({ kind: 'none' }), 'application/octet-stream')
    assert.equal(typeOf({ kind: 'none' }, 'a/b\r\nx: y'), 'application/octet-stream')
  })

  test('refuses what metadata has no room for, and only that', () => {
    const at = endpoint('bbb')
    const prepare = (m: Message) => sink.prepare(at, sink.usualLimits(at), m)
    assert.throws(
      () => prepare(message({ headers: { a: text('x'.repeat(2_040)) } })),
      (error: Error) => {
        assert.match(
          error.message,
          /^the headers and properties of the message have 2094 bytes, .* takes 2048$/,
        )
        return error instanceof MessageRefused
      },
    )
    assert.equal(prepare(message({ body: { kind: 'bytes', bytes: Buffer.alloc(10) } })).size, 10)
    assert.throws(
      () => sink.prepare(at, { maxMessageSize: 5 }, message({ body: { kind: 'text', text: 'hello!' } })),
      /has 38 bytes, and an object of S3 at most 5/,
    )
  })

  test('an id that no key may hold is hashed; one that nobody named is random', async t => {
    const { send, bucket } = await open(t)
    await send(message({ properties: { deduplicationId: '../../etc' } }))
    const { deduplicationId: _, ...properties } = message().properties
    await send({ ...message(), properties })
    const keys = await s3.keys(bucket)
    assert.ok(keys.some(key => /Z-[0-9a-f]{64}$/.test(key)))
    assert.ok(keys.some(key => /Z-[0-9a-f]{8}-[0-9a-f-]{27}$/.test(key)))
  })

  test('what is sent again after an unknown result is one object', async t => {
    const { opened, prepare, bucket } = await open(t, { send_timeout: '300ms' })
    const prepared = prepare(message())
    let lost = 0
    s3.fault = async ({ method }) => (method === 'PUT' && lost++ === 0 ? 'cut' : undefined)
    await assert.rejects(opened.send(prepared, never), SinkUnavailable)
    await opened.send(prepared, never)
    await opened.send(prepared, never)
    assert.equal((await s3.keys(bucket)).length, 1)
  })

  test('failures are the target’s, with a sentence', async t => {
    const { send, bucket } = await open(t, { send_timeout: '300ms' })
    for (const [answer, pattern] of [
      [{ status: 503, code: 'SlowDown' }, /^S3 throttles s3:PutObject/],
      [{ status: 403, code: 'AccessDenied' }, /it needs s3:PutObject to be allowed/],
      [
        { status: 404, code: 'NoSuchBucket' },
        new RegExp(`^bucket ${bucket} does not exist in region eu-west-1`),
      ],
      [{ status: 403, code: 'ExpiredToken' }, /AWS does not accept the credentials/],
      [{ status: 301, code: 'PermanentRedirect' }, /is not in the region of its connection/],
      [{ status: 400, code: 'KMS.DisabledException' }, /the KMS key of bucket .* cannot be used/],
      ['never', /^S3 did not answer in time/],
    ] as const) {
      s3.fault = ({ method }) => (method === 'PUT' ? answer : undefined)
      await assert.rejects(send(message()), (error: Error) => {
        assert.match(error.message, pattern)
        return error instanceof SinkUnavailable
      })
    }
    assert.deepEqual(await s3.keys(bucket), [])
  })

  test('check and open ask for the bucket', async t => {
    const { opened, bucket } = await open(t)
    await opened.check(never)
    s3.fault = () => ({ status: 404, code: '' })
    await assert.rejects(opened.check(never), (error: Error) => {
      assert.match(error.message, new RegExp(`^bucket ${bucket} does not exist`))
      return error instanceof SinkUnavailable
    })
    s3.fault = undefined
    await assert.rejects(
      sink.open(endpoint('nowhere'), { signal: never, report: () => {} }),
      /bucket nowhere does not exist in region eu-west-1/,
    )
  })

  test('calls in flight are bounded; closing ends those that wait', async t => {
    const { opened, send } = await open(t, { concurrency: 2 })
    s3.fault = ({ method }) => (method === 'PUT' ? 'never' : undefined)
    const sent = Array.from({ length: 5 }, (_, i) =>
      send(message({ properties: { deduplicationId: `${i}` } })),
    )
    const outcomes = Promise.allSettled(sent)
    await until(() => s3.seen.filter(r => r.method === 'PUT').length === 2, { what: 'two calls' })
    await opened.close()
    for (const outcome of await outcomes)
      assert.ok(outcome.status === 'rejected' && outcome.reason instanceof LinkLost)
    assert.equal(s3.seen.filter(r => r.method === 'PUT').length, 2)
    assert.equal(await opened.closed, undefined)
  })

  test('what is shown is the request', () => {
    const at = endpoint('bbb')
    const shown = sink.show(
      at,
      sink.prepare(at, sink.usualLimits(at), message({ headers: { a: text('b') } })),
    )
    assert.equal(shown.address, 's3://bbb/dead/TIME-d1')
    assert.equal(Buffer.from(shown.body).toString(), 'Grüße')
    assert.deepEqual(shown.fields, [
      { name: 'Content-Type', value: 'text/plain; charset=UTF-8' },
      { name: 'x-amz-meta-sluice_properties', value: '{"body":"text"}' },
      { name: 'x-amz-meta-sluice_headers', value: '{"a":"b"}' },
    ])
  })
})
