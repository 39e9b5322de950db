import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { matching } from '../../src/core/wildcards.ts'
import { Expired } from '../../src/route/expiry.ts'
import { replies } from '../../src/route/reply/replies.ts'
import { replyToHeader, requests, tokenHeader } from '../../src/route/reply/requests.ts'
import { readToken, signToken } from '../../src/route/reply/token.ts'
import { until } from '../support/until.ts'
import { bodies, message, routeOnMemory } from './route-on-memory.ts'

const key = { id: 'k1', secret: 'a secret of sixteen or more' }
const other = { id: 'k2', secret: 'another secret of the same kind' }
const options = { keys: [key], allow: ['temp-queue://*', 'replies/*/in'] }
const asked = (more: Partial<Message['properties']> = {}) =>
  message('ping', { properties: { replyTo: 'temp-queue://1', correlationId: text('c1'), ...more } })
const ask = requests({ replyTo: 'answers', timeout: 60_000 }, options, 'legacy')
const answer = (request: Message, more: Partial<Message> = {}): Message => ({
  ...message('pong'),
  headers: { [tokenHeader]: request.headers[tokenHeader]! },
  ...more,
})
const deliver = replies(options, new Set(['legacy']))

describe('a reply token', () => {
  const anyId: fc.Arbitrary<Value | undefined> = fc.oneof(
    fc.constant(undefined),
    fc.string({ unit: 'binary' }).map(text),
    fc.uint8Array({ maxLength: 40 }).map(value => ({ type: 'bytes', value }) as const),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(value => ({ type: 'uint64', value }) as const),
    fc.uuid().map(value => ({ type: 'uuid', value }) as const),
  )

  it('gives back what was signed, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary' }),
        anyId,
        (connection, address, id) => {
          const to = { connection, address, expiresAt: 2_000_000_000_000, ...(id && { correlationId: id }) }
          const token = signToken(key, to)
          assert.match(token, /^[A-Za-z0-9_.-]+$/)
          const { correlationId, ...rest } = readToken([other, key], token, 0)
          assert.deepEqual(rest, { connection, address, expiresAt: 2_000_000_000_000 })
          if (id?.type === 'bytes') {
            assert.equal(correlationId?.type, 'bytes')
            assert.ok(Buffer.from(id.value).equals(correlationId.value as Uint8Array))
          } else assert.deepEqual(correlationId, id)
        },
      ),
    )
  })

  it('is believed in no other form than it was signed in', () => {
    const token = signToken(key, { connection: 'c', address: 'a', expiresAt: 2_000_000_000_000 })
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom(...'AZaz09_-.'), (at, char) => {
        const altered = token.slice(0, at) + char + token.slice(at + 1)
        // The last character of base64url has bits that mean nothing.
        if (
          Buffer.from(altered.split('.')[2] ?? '', 'base64url').equals(
            Buffer.from(token.split('.')[2]!, 'base64url'),
          ) &&
          altered.slice(0, -1) === token.slice(0, -1)
        )
          return
        assert.throws(() => readToken([key], altered, 0), { name: 'MessageRefused' })
      }),
    )
    for (const forged of [
      '',
      '.',
      '..',
      'a.b',
      'a.b.c.d',
      `${token}.`,
      token.replace('k1', 'k2'),
      `k1.${'A'.repeat(10)}.`,
    ]) {
      assert.throws(() => readToken([key, other], forged, 0), { name: 'MessageRefused' }, forged)
    }
  })

  it('is believed from both keys during a rotation, and from no other', () => {
    const token = signToken(other, { connection: 'c', address: 'a', expiresAt: 2_000_000_000_000 })
    assert.equal(readToken([key, other], token, 0).address, 'a')
    assert.throws(() => readToken([key], token, 0), /signed with the key "k2", which is not configured/)
    assert.throws(() => readToken([{ ...other, secret: key.secret }], token, 0), /forged or was altered/)
  })

  it('expires', () => {
    const token = signToken(key, { connection: 'c', address: 'a', expiresAt: 10_000 })
    assert.equal(readToken([key], token, 9_999).address, 'a')
    assert.throws(() => readToken([key], token, 12_000), Expired)
  })
})

describe('reply_to_allow', () => {
  it('matches the whole address, with * for anything', () => {
    const is = matching(['queue://A', 'temp-*', '*/in', 'a*b*c'])
    for (const yes of ['queue://A', 'temp-', 'temp-queue://1', '/in', 'x/in', 'abc', 'aXbYc', 'abbcc']) {
      assert.ok(is(yes), yes)
    }
    for (const no of ['', 'queue://AB', 'xqueue://A', 'tem', 'in', 'ab', 'acb', 'abcd'])
      assert.ok(!is(no), no)
  })

  it('agrees with a regular expression', () => {
    const small = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    const address = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
    fc.assert(
      fc.property(small, address, (pattern, one) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(one)
        assert.equal(matching([pattern])(one), expected)
      }),
    )
  })

  it('is quick with a pattern that makes others slow', () => {
    const began = performance.now()
    assert.ok(!matching([`${'a*'.repeat(200)}b`])('a'.repeat(20_000)))
    assert.ok(performance.now() - began < 500)
  })
})

describe('a request', () => {
  it('goes out with the place for replies and the token, as properties and as headers', () => {
    const sent = ask(asked())
    assert.equal(sent.properties.replyTo, 'answers')
    assert.deepEqual(sent.headers[replyToHeader], text('answers'))
    assert.deepEqual(sent.headers[tokenHeader], sent.properties.correlationId)
    const left = sent.properties.expiresAt! - Date.now()
    assert.ok(left > 59_000 && left <= 60_000)
  })

  it('without a reply-to goes on as it is', () => {
    const plain = message('x', { properties: { correlationId: text('c') } })
    assert.equal(ask(plain), plain)
  })

  it('that wants its reply where none may go is refused', () => {
    assert.throws(() => ask(asked({ replyTo: 'queue://PAYROLL' })), {
      name: 'MessageRefused',
      message: /"queue:\/\/PAYROLL", which no pattern of reply_to_allow covers/,
    })
  })

  it('that has expired is refused', () => {
    assert.throws(() => ask(asked({ expiresAt: Date.now() - 5 })), Expired)
  })
})

describe('a reply', () => {
  it('gets the address and the correlation id of its request, with its type', () => {
    const id: Value = { type: 'uint64', value: 2n ** 63n }
    const sent = deliver(
      answer(ask(asked({ correlationId: id })), {
        headers: {},
        properties: ask(asked({ correlationId: id })).properties,
      }),
    )
    assert.equal(sent.address, 'temp-queue://1')
    assert.deepEqual(sent.properties.correlationId, id)
    assert.equal(sent.properties.replyTo, undefined)
  })

  it('has the message id of a request that had no correlation id, as JMS does it', () => {
    const { correlationId: _, ...properties } = asked().properties
    const request = ask(message('x', { properties: { ...properties, messageId: text('ID:7') } }))
    assert.deepEqual(deliver(answer(request)).properties.correlationId, text('ID:7'))
  })

  it('is known by its correlation id where the service echoes no header, be it text or bytes', () => {
    const token = ask(asked()).properties.correlationId as Value & { type: 'string' }
    for (const correlationId of [token, { type: 'bytes', value: Buffer.from(token.value) } as const]) {
      const sent = deliver(message('pong', { properties: { correlationId } }))
      assert.deepEqual(sent.properties.correlationId, text('c1'))
    }
  })

  it('keeps neither token nor the place for replies', () => {
    const request = ask(asked())
    const sent = deliver(answer(request, { headers: { ...request.headers, mine: text('1') } }))
    assert.deepEqual(Object.keys(sent.headers), ['mine'])
  })

  it('without a token, for another connection or for a place that is no longer allowed is refused', () => {
    assert.throws(() => deliver(message('pong')), /has no token/)
    const elsewhere = replies(options, new Set(['another']))
    assert.throws(
      () => elsewhere(answer(ask(asked()))),
      /for a requester on legacy, and this route leads elsewhere/,
    )
    const narrower = replies({ ...options, allow: ['replies/*/in'] }, new Set(['legacy']))
    assert.throws(() => narrower(answer(ask(asked()))), /no pattern of reply_to_allow covers/)
  })

  it('that cannot be delivered is counted, late ones apart, and touches no breaker', async t => {
    const { source, target, events, dead, route } = await routeOnMemory(t, {
      expired: 'dead_letter',
      reply: deliver,
    })
    const late = signToken(key, {
      connection: 'legacy',
      address: 'temp-queue://1',
      expiresAt: Date.now() - 2_000,
    })
    source.put(message('late', { properties: { correlationId: text(late) } }))
    for (let i = 0; i < 30; i++)
      source.put(message('forged', { properties: { correlationId: text('k1.x.y') } }))
    source.put(answer(ask(asked())))
    await until(() => target.messages.length === 1, { what: 'the good one' })
    await until(async () => (await readdir(dead)).filter(f => !f.startsWith('.')).length === 31, {
      what: 'dead letters',
    })
    const failed = events.filter(e => e.type === 'reply_failed').map(e => e.reason)
    assert.equal(failed.filter(reason => reason === 'late').length, 1)
    assert.equal(failed.filter(reason => reason === 'undeliverable').length, 30)
    assert.equal(route.status().targets.main!.breaker, 'closed')
  })

  it('and a request are not held past their expiry while the target is away', async t => {
    const { source, target, dead, route } = await routeOnMemory(t, {
      prefetch: 50,
      expired: 'dead_letter',
      request: requests({ replyTo: 'answers', timeout: 100 }, options, 'legacy'),
    })
    target.failWith = () => new Error('never')
    target.down = true
    target.cut()
    for (let i = 0; i < 20; i++) source.put(asked() as Message)
    await until(async () => (await readdir(dead)).filter(f => !f.startsWith('.')).length === 20, {
      what: 'all expired',
    })
    await until(() => route.status().source.messages === 0, { what: 'nothing held' })
    target.down = false
    target.failWith = undefined
    source.put(asked())
    await until(() => target.messages.length === 1, { what: 'a later one' })
    assert.deepEqual(bodies(target.messages), ['ping'])
  })
})
