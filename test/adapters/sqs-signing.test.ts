import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { after, afterEach, before, describe, type TestContext, test } from 'node:test'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'

/**
 * A service that computes each signature itself (AWS Signature Version 4, "Create a signed request") and has a clock,
 * and a role's credentials as ECS hands them out. Emulators look at none of this.
 */
const secrets: Record<string, string> = { FIXED: 'fixed-secret', ROLE1: 'secret-1', ROLE2: 'secret-2' }
let ahead = 0
let roles: object[] = []
let batches: { readonly key: string; readonly token?: string; readonly authorization: string }[] = []
let answer: { readonly status: number; readonly body: string } | undefined

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
  if (answer !== undefined) return response.writeHead(answer.status).end(answer.body)
  const { Entries } = JSON.parse(body.toString()) as { Entries: { Id: string }[] }
  return response.end(JSON.stringify({ Successful: Entries.map(({ Id }) => ({ Id })) }))
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

async function open(t: TestContext, credentials: object) {
  const at = {
    connection: sqs.connection.parse({ region: 'eu-west-1', endpoint: origin(), ...credentials }),
    connectionName: 'aws',
    route: 'r',
    options: sqs.sink!.options.parse({ queue: 'q' }),
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

  test('a clock that is an hour wrong: the first call is refused and the next one is right', async t => {
    const send = await open(t, fixed)
    ahead = 3_600_000
    await assert.rejects(send(), SinkUnavailable)
    await send()
    assert.equal(batches.length, 1)
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

  for (const [what, status, body] of [
    ['text', 200, 'OK'],
    ['null', 200, 'null'],
    ['a list', 200, '[]'],
    ['no word of the entry', 200, '{"Successful":null,"Failed":null}'],
    ['an error with an empty body', 503, ''],
    ['an error that is null', 500, 'null'],
  ] as const) {
    test(`an answer that is ${what}: no message counts as taken`, async t => {
      const send = await open(t, fixed)
      answer = { status, body }
      await assert.rejects(send(), (error: Error) => {
        t.diagnostic(`${error.name}: ${error.message}`)
        return true
      })
    })
  }
})
