import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { until } from '../support/until.ts'

/**
 * A service that computes each signature itself (AWS Signature Version 4, "Create a signed request") and has a clock,
 * and a role's credentials as ECS hands them out. Emulators look at none of this.
 */
const secrets: Record<string, string> = { FIXED: 'fixed-secret', ROLE1: 'secret-1', ROLE2: 'secret-2' }
let ahead = 0
let roles: object[] = []
let batches: { readonly key: string; readonly token?: string; readonly authorization: string }[] = []
type Answer = { readonly status: number; readonly headers?: object; readonly body: string }
let answer: Answer | 'garbage' | 'trickle' | undefined
/** The answer to the last batch, as it was. */
let last = ''

const server = createServer(async (request, response) => {
  const body = await buffer(request)
  if (request.url === '/role')
    return response.end(JSON.stringify(roles.length > 1 ? roles.shift() : roles[0]))
  const now = Date.now() + ahead
  response.setHeader('date', new Date(now).toUTCString())
  response.setHeader('content-type', 'application/x-amz-json-1.0')
  const wrong = signatureFault(request, body, now)
  if (wrong !== undefined) {
    const error = { __type: 'com.amazon.coral.service#InvalidSignatureException', message: wrong }
    return response.writeHead(403).end(JSON.stringify(error))
  }
  const [, action] = String(request.headers['x-amz-target']).split('.')
  if (action !== 'SendMessageBatch') {
    const queue = { QueueUrl: `${origin()}/000000000000/q`, Attributes: { MaximumMessageSize: '1048576' } }
    return response.end(JSON.stringify(queue))
  }
  const { authorization = '', 'x-amz-security-token': token } = request.headers
  const [, key = ''] = /Credential=(\w+)/.exec(authorization) ?? []
  batches.push({ key, authorization, ...(token !== undefined && { token: String(token) }) })
  if (answer === 'garbage') return request.socket.end('SMTP ready\r\n\r\n')
  if (answer === 'trickle') {
    const trickling = setInterval(() => response.write(' '), 50)
    return response.on('close', () => clearInterval(trickling))
  }
  const { Entries } = JSON.parse(body.toString()) as { Entries: { Id: string }[] }
  if (answer !== undefined) {
    const said = answer.body.replaceAll('<Id>', Entries[0]!.Id)
    return response.writeHead(answer.status, { ...answer.headers }).end(said)
  }
  last = JSON.stringify({ Successful: Entries.map(({ Id }) => ({ Id })) })
  return response.end(last)
})

const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()

/** What AWS would say against the signature of a request; undefined when it is right. */
function signatureFault(
  { headers, method, url }: IncomingMessage,
  body: Buffer,
  now: number,
): string | undefined {
  const [, key = '', day = '', region = '', service = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$/.exec(
      headers.authorization ?? '',
    ) ?? []
  const date = String(headers['x-amz-date'])
  const instant = Date.parse(date.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'))
  if (!(Math.abs(instant - now) <= 300_000)) return `Signature expired: ${date} is not now`
  for (const name of ['host', 'x-amz-target', 'x-amz-security-token']) {
    if (headers[name] !== undefined && !names.split(';').includes(name)) return `${name} is not signed`
  }
  if (region !== 'eu-west-1' || service !== 'sqs') return `Credential should be scoped to eu-west-1/sqs`
  const signed = names.split(';').map(name => `${name}:${headers[name]}\n`)
  const canonical = `${method}\n${url}\n\n${signed.join('')}\n${names}\n${sha256(body)}`
  const toSign = `AWS4-HMAC-SHA256\n${date}\n${day}/${region}/${service}/aws4_request\n${sha256(canonical)}`
  const signing = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secrets[key]}`)
  const right = hmac(signing, toSign).toString('hex') === signature
  return right ? undefined : 'The request signature we calculated does not match the signature you provided'
}

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
after(() => {
  server.closeAllConnections()
  server.close()
})
afterEach(() => {
  ahead = 0
  roles = []
  batches = []
  answer = undefined
})

const signal = new AbortController().signal
const message: Message = {
  address: 'a',
  body: { kind: 'text', text: 'Grüße 😀' },
  properties: {},
  headers: { raw: { type: 'bytes', value: Buffer.from([0, 255, 1]) } },
}

async function open(t: TestContext, credentials: object, options = {}) {
  const at = {
    connection: sqs.connection.parse({ region: 'eu-west-1', endpoint: origin(), ...credentials }),
    connectionName: 'aws',
    route: 'r',
    options: sqs.sink!.options.parse({ queue: 'q', ...options }),
  }
  const sink = await sqs.sink!.open(at, { signal, report: () => {} })
  t.after(() => sink.close())
  return () => sink.send(sqs.sink!.prepare(at, sink.limits, message), signal)
}
const fixed = { access_key_id: 'FIXED', secret_access_key: 'fixed-secret' }

describe('sqs: signed requests', () => {
  test('a service that computes the signature itself agrees with it', async t => {
    const send = await open(t, fixed)
    await send()
    assert.deepEqual(
      batches.map(b => b.key),
      ['FIXED'],
    )
  })

  for (const milliseconds of [3_600_000, -3_600_000, 300_400]) {
    test(`a clock that is ${milliseconds} ms wrong: the next call after a refusal is right`, async t => {
      const send = await open(t, fixed)
      ahead = milliseconds
      await assert.rejects(send(), SinkUnavailable)
      await send()
      assert.equal(batches.length, 1)
    })
  }

  test('the date of a cached answer says nothing of the clock', async t => {
    const send = await open(t, fixed)
    answer = { status: 503, headers: { date: new Date(0).toUTCString(), age: '7200' }, body: '' }
    await assert.rejects(send(), SinkUnavailable)
    answer = undefined
    await send()
  })

  test("a role's credentials are fetched again when they have expired, and their token is signed", async t => {
    const variables = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${origin()}/role`,
      AWS_EC2_METADATA_DISABLED: 'true',
    }
    const without = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_SESSION_TOKEN']
    const saved = { ...process.env }
    for (const name of without) delete process.env[name]
    Object.assign(process.env, variables, {
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
    })
    t.after(() => {
      process.env = saved
    })
    const role = (n: number, minutes: number) => ({
      AccessKeyId: `ROLE${n}`,
      SecretAccessKey: `secret-${n}`,
      Token: `token-${n}`,
      Expiration: new Date(Date.now() + minutes * 60_000).toISOString(),
    })
    roles = [role(1, 60)]
    const send = await open(t, {})
    await send()
    // The hour has passed.
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 61 * 60_000 })
    roles = [role(2, 60)]
    await send()
    t.mock.timers.reset()
    assert.deepEqual(
      batches.map(({ key, token }) => [key, token]),
      [
        ['ROLE1', 'token-1'],
        ['ROLE2', 'token-2'],
      ],
    )
  })

  test('no socket is left of a call that was given up in the middle of its answer', async t => {
    const send = await open(t, fixed, { send_timeout: '200ms' })
    const sockets = promisify(server.getConnections.bind(server))
    await send()
    const before = await sockets()
    answer = 'trickle'
    for (let i = 0; i < 3; i++) await assert.rejects(send(), SinkUnavailable)
    answer = undefined
    await send()
    await until(async () => (await sockets()) <= before, { what: 'the sockets gone' })
  })
})

describe('sqs: answers', () => {
  test('an answer to another call', async t => {
    const send = await open(t, fixed)
    await send()
    answer = { status: 200, body: last }
    await assert.rejects(send(), SinkUnavailable)
  })

  for (const [what, status, body, headers = {}] of [
    ['null', 200, 'null'],
    ['text', 200, 'OK'],
    ['a page', 200, '<html>login</html>'],
    ['a redirect', 307, ''],
    ['a list', 200, '[]'],
    ['no word of the entry', 200, '{"Successful":null,"Failed":null}'],
    ['an Id that is null', 200, '{"Successful":[{"Id":null}]}'],
    ['an Id that is empty', 200, '{"Successful":[{"Id":""}]}'],
    ['the position in place of the Id', 200, '{"Successful":[{"Id":"0"}]}'],
    ['a code that is a number', 200, '{"Failed":[{"Id":"<Id>","Code":503,"Message":4}]}'],
    [
      'taken and failed',
      200,
      '{"Successful":[{"Id":"<Id>"}],"Failed":[{"Id":"<Id>","Code":"InternalError"}]}',
    ],
    ['an error with an empty body', 503, ''],
    ['an error that is null', 500, 'null'],
    ['a timeout of a proxy', 408, ''],
    [
      'throttling by its header',
      400,
      '{"message":"slow"}',
      { 'x-amzn-errortype': 'ThrottlingException:http://x' },
    ],
    ['throttling by its code', 400, '{"code":"ThrottlingException","message":"slow"}'],
    ['throttling by its type', 400, '{"__type":"com.amazonaws.sqs#RequestThrottled","message":"slow"}'],
    ['the code of the query protocol', 400, '{}', { 'x-amzn-query-error': 'RequestThrottled;Sender' }],
  ] as [string, number, string, object?][]) {
    test(`${what}: not taken, and the target's fault`, async t => {
      const send = await open(t, fixed)
      answer = { status, body, headers }
      await assert.rejects(send(), SinkUnavailable)
    })
  }

  for (const [what, status, code, headers, throttled, retryAfter] of [
    ['throttled', 400, 'RequestThrottled', {}, true, undefined],
    ['throttled, with seconds', 400, 'ThrottlingException', { 'retry-after': '2' }, true, 2_000],
    ['throttled, with milliseconds', 400, 'ThrottlingException', { 'x-amz-retry-after': '150' }, true, 150],
    ['throttled, with words', 400, 'ThrottlingException', { 'retry-after': 'soon' }, true, undefined],
    [
      'throttled, with a time that is over',
      400,
      'ThrottlingException',
      { 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' },
      true,
      undefined,
    ],
    ['throttled by its status', 429, 'Whatever', { 'retry-after': '1' }, true, 1_000],
    ['unavailable', 503, 'ServiceUnavailable', { 'retry-after': '2' }, false, undefined],
  ] as const) {
    test(`${what}: ${throttled ? 'less at a time' : 'nothing of less at a time'}`, async t => {
      const send = await open(t, fixed)
      answer = { status, body: JSON.stringify({ code, message: 'no' }), headers }
      await assert.rejects(send(), (error: SinkUnavailable) => {
        assert.ok(error instanceof SinkUnavailable, String(error))
        assert.deepEqual([error.throttled, error.retryAfter], [throttled, retryAfter])
        return true
      })
    })
  }

  test("what is no HTTP: the target's fault", async t => {
    const send = await open(t, fixed)
    answer = 'garbage'
    await assert.rejects(send(), SinkUnavailable)
  })

  test('201 is a success like 200', async t => {
    const send = await open(t, fixed)
    answer = { status: 201, body: '{"Successful":[{"Id":"<Id>"}]}' }
    await send()
  })
})
