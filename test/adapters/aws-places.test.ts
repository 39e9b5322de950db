import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Placed, PlacesSink } from '../../src/adapters/shared/aws/places-sink.ts'
import { judge } from '../../src/adapters/shared/aws/verdict.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'

interface Item extends Placed {
  readonly name: string
}

const never = new AbortController().signal
const item = (place: string, name: string, more: Partial<Item> = {}): Item => ({
  place,
  name,
  size: 1,
  ...more,
})
const missing = Object.assign(new Error('gone'), { name: 'QueueDoesNotExist' })

/** A sink over places that the test answers for. */
function setUp(
  t: TestContext,
  { concurrency = 8, known = (_: string): Error | undefined => undefined } = {},
) {
  const lookups: string[] = []
  const calls: { readonly place: string; readonly names: string }[] = []
  const state = { flying: 0, most: 0, pause: async (_: string): Promise<void> => {} }
  const counted = async <R>(work: () => Promise<R>): Promise<R> => {
    state.flying++
    state.most = Math.max(state.most, state.flying)
    return work().finally(() => state.flying--)
  }
  const sink = new PlacesSink<Item>({
    limits: { maxMessageSize: 100 },
    concurrency,
    find: place =>
      counted(async () => {
        lookups.push(place)
        await state.pause(`find ${place}`)
        const ruling = judge(
          { service: 'SQS', action: 'a', target: `queue ${place}`, where: 'region x' },
          true,
        )
        const problem = known(place)
        if (problem) throw ruling.call(problem)
        return {
          limits: { maxMessageSize: 10 },
          batching: {
            call: batch =>
              counted(async () => {
                calls.push({ place, names: batch.map(i => i.name).join(' ') })
                await state.pause(`send ${place}`)
                const error = known(place)
                if (error) throw error
                return batch.map(() => 'taken')
              }),
            judge: ruling,
            maxBytes: 100,
            perGroup: 'one',
          },
        }
      }),
    check: async () => {},
    release: async () => {},
  })
  t.after(() => sink.close())
  return { sink, lookups, calls, state, send: (i: Item, signal = never) => sink.send(i, signal) }
}

describe('aws: a sink to many places', () => {
  test('looks each place up once, and fills a batch for each', async t => {
    const { send, lookups, calls } = setUp(t)
    const sent = ['a', 'b'].flatMap(place => [1, 2, 3].map(n => send(item(place, `${place}${n}`))))
    const stamps = await Promise.all(sent)
    assert.deepEqual(lookups, ['a', 'b'])
    assert.deepEqual(calls, [
      { place: 'a', names: 'a1 a2 a3' },
      { place: 'b', names: 'b1 b2 b3' },
    ])
    assert.equal(stamps[0], stamps[2])
    assert.notEqual(stamps[0], stamps[3])
    await send(item('a', 'a4'))
    assert.equal(lookups.length, 2)
  })

  test('keeps the order of what is sent while the place is looked up, and right after', async t => {
    const { send, calls, state } = setUp(t, { concurrency: 2 })
    const go = Promise.withResolvers<void>()
    state.pause = async what => (what === 'find a' ? go.promise : undefined)
    const sent: Promise<object>[] = []
    let next = 0
    const more = () => sent.push(send(item('a', String(next++))))
    for (let i = 0; i < 5; i++) more()
    go.resolve()
    for (let i = 0; i < 30; i++) {
      more()
      await Promise.resolve()
    }
    await new Promise(setImmediate)
    more()
    await Promise.all(sent)
    const names = calls.flatMap(c => c.names.split(' ')).map(Number)
    assert.deepEqual(
      names,
      Array.from({ length: next }, (_, i) => i),
    )
  })

  test('has no more calls in flight than allowed, lookups among them, and starves nobody', async t => {
    const { send, state } = setUp(t, { concurrency: 3 })
    state.pause = () => new Promise(resolve => setTimeout(resolve, 2))
    const sent = Array.from({ length: 400 }, (_, i) => send(item(`q${i % 40}`, `${i}`)))
    await Promise.all(sent)
    assert.equal(state.most, 3)
  })

  test('a place that is missing refuses its own, by name, and is asked for again by those that come later', async t => {
    let isThere = false
    const { send, lookups } = setUp(t, {
      known: place => (place === 'gone' && !isThere ? missing : undefined),
    })
    const [gone, also, good] = await Promise.allSettled([
      send(item('gone', '1')),
      send(item('gone', '2')),
      send(item('there', '3')),
    ])
    assert.equal(good?.status, 'fulfilled')
    for (const one of [gone, also]) {
      assert.ok(one?.status === 'rejected' && one.reason instanceof MessageRefused)
      assert.match(one.reason.message, /^queue gone does not exist in region x$/)
    }
    assert.deepEqual(lookups, ['gone', 'there'])
    isThere = true
    await send(item('gone', '4'))
  })

  test('one that goes away refuses its own in one call, is forgotten, and is looked up when it is back', async t => {
    let isGone = false
    const { send, lookups, calls } = setUp(t, { known: () => (isGone ? missing : undefined) })
    await send(item('a', '1'))
    isGone = true
    const results = await Promise.allSettled([2, 3, 4].map(n => send(item('a', String(n)))))
    for (const result of results) {
      assert.ok(result.status === 'rejected' && result.reason instanceof MessageRefused)
    }
    assert.equal(calls.length, 2, 'each alone would be told the same')
    isGone = false
    await send(item('a', '5'))
    assert.deepEqual(lookups, ['a', 'a'])
  })

  for (const [title, error, expected] of [
    ['denied', Object.assign(new Error('no'), { name: 'AccessDenied' }), MessageRefused],
    ['its key disabled', Object.assign(new Error('no'), { name: 'KMS.DisabledException' }), MessageRefused],
    ['throttled', Object.assign(new Error('slow'), { name: 'RequestThrottled' }), SinkUnavailable],
    [
      'throttled by KMS',
      Object.assign(new Error('slow'), { name: 'KMS.ThrottlingException' }),
      SinkUnavailable,
    ],
    [
      'credentials refused',
      Object.assign(new Error('no'), { name: 'InvalidClientTokenId' }),
      SinkUnavailable,
    ],
    ['not reached', Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), SinkUnavailable],
  ] as const) {
    test(`${title}: ${expected.name}, when it is looked up and when it is sent to`, async t => {
      let fails = true
      const { send } = setUp(t, { known: () => (fails ? error : undefined) })
      await assert.rejects(send(item('a', '1')), expected)
      fails = false
      await send(item('a', '2'))
      fails = true
      await assert.rejects(send(item('a', '3')), expected)
    })
  }

  test("a message that is larger than its place's own limit is refused with both sizes", async t => {
    const { send } = setUp(t)
    await assert.rejects(send(item('a', '1', { size: 11 })), {
      name: 'MessageRefused',
      message: /has 11 bytes .*a takes 10/,
    })
  })

  test('one that is given up while its place is looked up is not sent, and its neighbour is', async t => {
    const { send, state, calls } = setUp(t)
    const go = Promise.withResolvers<void>()
    state.pause = async what => (what === 'find a' ? go.promise : undefined)
    const gone = new AbortController()
    const given = send(item('a', '1'), gone.signal)
    const kept = send(item('a', '2'))
    gone.abort(new Error('enough'))
    await assert.rejects(given, /enough/)
    go.resolve()
    await kept
    assert.deepEqual(calls, [{ place: 'a', names: '2' }])
  })

  test('keeps a thousand places and no more, those in use among them', async t => {
    const { send, lookups, state } = setUp(t)
    const go = Promise.withResolvers<void>()
    state.pause = async what => (what === 'send busy' ? go.promise : undefined)
    const busy = send(item('busy', '1'))
    for (let i = 0; i < 1_100; i++) await send(item(`q${i}`, `${i}`))
    assert.equal(lookups.length, 1_101)
    // The first ones are forgotten, the last ones are not, and neither is the one in use.
    await send(item('q1099', 'again'))
    assert.equal(lookups.length, 1_101)
    const second = send(item('busy', '2'))
    await send(item('q0', 'again'))
    assert.deepEqual(lookups.slice(1_101), ['q0'])
    go.resolve()
    await Promise.all([busy, second])
  })

  test('forgets a place that nobody used for minutes', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    let now = 0
    t.mock.method(performance, 'now', () => now)
    const { send, lookups } = setUp(t)
    await send(item('a', '1'))
    now = 290_000
    await send(item('b', '1'))
    now = 310_000
    t.mock.timers.tick(60_000)
    await send(item('a', '2'))
    await send(item('b', '2'))
    assert.deepEqual(lookups, ['a', 'b', 'a'])
  })

  test('close lets what is in flight end, and ends the waiting of the rest', async t => {
    const { sink, send, state } = setUp(t)
    const go = Promise.withResolvers<void>()
    state.pause = async what =>
      what === 'find never' ? new Promise(() => {}) : what === 'send a' ? go.promise : undefined
    const waiting = send(item('never', '1'))
    const flying = send(item('a', '2'))
    await until(() => state.flying === 2, { what: 'both calls' })
    const closed = sink.close()
    await assert.rejects(waiting, LinkLost)
    go.resolve()
    await flying
    await closed
    assert.equal(await sink.closed, undefined)
    await assert.rejects(send(item('a', '3')), LinkLost)
    await sink.close()
  })
})
