import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { Registry } from 'prom-client'
import { rateLimit } from '../../src/admin/rate-limit.ts'
import { startAdminServer } from '../../src/admin/server.ts'
import { Secret } from '../../src/core/secret.ts'

const token = 'a-token-of-an-operator'
const routes: Readonly<Record<string, boolean>> = { held: true, busy: false }

/** A server whose bridge has a route that is held and one that is not. */
async function serve(t: TestContext, secret?: string) {
  const resumed: string[] = []
  const bridge = {
    status: () => {
      throw new Error('the status of src/inside.ts')
    },
    resume: (name: string) => {
      resumed.push(name)
      return routes[name]
    },
  }
  const options = { host: '127.0.0.1', port: 0, token: secret === undefined ? undefined : new Secret(secret) }
  const server = await startAdminServer(options, new Registry(), bridge, new AbortController().signal)
  t.after(() => server.close())
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  }
  const resume = (name: string, authorization?: string, more: RequestInit = {}) =>
    call(`/routes/${name}/resume`, {
      method: 'POST',
      headers: authorization === undefined ? {} : { authorization },
      ...more,
    })
  return { port: server.port, call, resume, resumed }
}

/** All that is answered to these bytes. */
function raw(port: number, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  let answer = ''
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  socket.on('data', chunk => {
    answer += chunk
  })
  socket.on('close', () => resolve(answer)).on('error', () => {})
  return promise
}

describe('the admin server', () => {
  test('resumes a route for who has the token, and says why not', async t => {
    const { resume, resumed } = await serve(t, token)
    const well = await resume('held', `Bearer ${token}`)
    assert.deepEqual([well.status, JSON.parse(well.text)], [200, { status: 'resumed', route: 'held' }])
    const busy = await resume('busy', `Bearer ${token}`)
    assert.equal(busy.status, 409)
    assert.match(JSON.parse(busy.text).error, /route busy is not held/)
    const none = await resume('nowhere', `Bearer ${token}`)
    assert.equal(none.status, 404)
    assert.match(JSON.parse(none.text).error, /there is no route nowhere/)
    assert.deepEqual(resumed, ['held', 'busy', 'nowhere'])
  })

  test('does nothing for who has not, whatever they send', async t => {
    const { resume, resumed } = await serve(t, token)
    const wrong = [
      undefined,
      '',
      'Bearer',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      token,
      `Basic ${token}`,
    ]
    for (const authorization of wrong) {
      const { status, headers, text } = await resume('held', authorization)
      assert.equal(status, 401)
      assert.equal(headers.get('www-authenticate'), 'Bearer')
      assert.doesNotMatch(text, new RegExp(token))
    }
    assert.equal((await resume('nowhere')).status, 401)
    assert.deepEqual(resumed, [])
  })

  test('has no such door without a token, and says so', async t => {
    const { resume, resumed } = await serve(t)
    for (const authorization of [undefined, 'Bearer ', 'Bearer undefined']) {
      const { status, text } = await resume('held', authorization)
      assert.equal(status, 404)
      assert.match(text, /no token is set under admin\.token/)
    }
    assert.deepEqual(resumed, [])
  })

  test('tells nobody how it is made: no stack, no CORS', async t => {
    const { call } = await serve(t, token)
    for (const path of ['/readyz?strict', '/nowhere', '/%', '/routes/held/resume']) {
      const { headers, text } = await call(path, { headers: { origin: 'http://evil.example' } })
      assert.equal(headers.get('access-control-allow-origin'), null)
      assert.doesNotMatch(text, /\.ts|at |node_modules|fastify/i)
      assert.equal(typeof JSON.parse(text).error, 'string')
    }
    assert.equal((await call('/readyz?strict')).status, 500)
    assert.equal((await call('/routes/held/resume', { method: 'OPTIONS' })).status, 404)
  })

  test('takes no large request', async t => {
    const { resume, resumed, port } = await serve(t, token)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const large = await resume('held', undefined, { headers, body: JSON.stringify('x'.repeat(2_000)) })
    assert.equal(large.status, 413)
    assert.deepEqual(resumed, [])
    const long = await raw(port, `GET /healthz HTTP/1.1\r\nhost: x\r\nname: ${'x'.repeat(20_000)}\r\n\r\n`)
    assert.match(long, /^HTTP\/1\.1 431 /)
  })

  test('answers an address that asks too often with 429, and nobody else', async () => {
    const limit = rateLimit(100)
    const ask = async (ip: string) => {
      const said: unknown[] = []
      const reply = {
        code(code: number) {
          said.push(code)
          return reply
        },
        header: () => reply,
        send: (answer: unknown) => said.push(answer),
      }
      await limit({ ip } as never, reply as never)
      return said
    }
    for (let i = 0; i < 100; i++) assert.deepEqual(await ask('10.0.0.1'), [])
    assert.deepEqual(await ask('10.0.0.1'), [429, { error: 'more than 100 requests in a second' }])
    assert.deepEqual(await ask('10.0.0.2'), [])
  })
})
