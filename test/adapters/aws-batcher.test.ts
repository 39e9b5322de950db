import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Batchable, Batcher } from '../../src/adapters/shared/aws/batcher.ts'
import type { EntryResult } from '../../src/adapters/shared/aws/calls.ts'
import { judge } from '../../src/adapters/shared/aws/verdict.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'

interface Item extends Batchable {
  readonly name: string
}

interface Call {
  readonly names: string
  /** Answers with these, or "taken" for all. */
  answer(results?: EntryResult[]): void
  fail(error: unknown): void
}

const ruling = judge({ service: 'SQS', action: 'sqs:SendMessage', target: 'queue q', where: 'region x' })
const item = (name: string, size = 1, group?: string): Item => ({ name, size, ...(group && { group }) })
const never = new AbortController().signal
const failure = (code: string, senderFault: boolean): EntryResult => ({
  code,
  message: 'said so',
  senderFault,
})

/** A batcher whose calls are answered by the test. */
function setUp(more: { maxBytes?: number; concurrency?: number; perGroup?: 'one' | 'many' } = {}) {
  const calls: Call[] = []
  const batcher = new Batcher<Item>({
    call: items => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly EntryResult[]>()
      calls.push({
        names: items.map(i => i.name).join(' '),
        answer: (results = items.map(() => 'taken')) => resolve(results),
        fail: reject,
      })
      return promise
    },
    judge: ruling,
    maxBytes: 100,
    concurrency: 4,
    perGroup: 'one',
    ...more,
  })
  const send = (i: Item, signal = never) => {
    const outcome = batcher.send(i, signal)
    outcome.catch(() => {})
    return outcome
  }
  const call = async (n: number): Promise<Call> => {
    await until(() => calls.length > n, { what: `call ${n}` })
    return calls[n]!
  }
  return { batcher, calls, send, call }
}

const many = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`)

describe('batcher: filling', () => {
  test('sends a message at once when nothing is in flight', async () => {
    const { send, calls } = setUp()
    void send(item('a'))
    await Promise.resolve()
    await Promise.resolve()
    assert.equal(calls.length, 1)
  })

  test('puts at most ten messages into a call, in order', async () => {
    const { send, call } = setUp()
    for (const name of many(0, 25)) void send(item(name))
    assert.equal((await call(0)).names, many(0, 10).join(' '))
    assert.equal((await call(1)).names, many(10, 20).join(' '))
    assert.equal((await call(2)).names, many(20, 25).join(' '))
  })

  test('puts no more bytes into a call than it takes', async () => {
    const { send, call } = setUp({ maxBytes: 100 })
    for (const [name, size] of [
      ['a', 60],
      ['b', 40],
      ['c', 1],
      ['d', 100],
      ['e', 99],
    ] as const)
      void send(item(name, size))
    assert.equal((await call(0)).names, 'a b')
    assert.equal((await call(1)).names, 'c')
    assert.equal((await call(2)).names, 'd')
    assert.equal((await call(3)).names, 'e')
  })

  test('fills a call while others are in flight, and does not wait for them', async () => {
    const { send, call, calls } = setUp()
    void send(item('a'))
    await call(0)
    void send(item('b'))
    await Promise.resolve()
    void send(item('c'))
    assert.equal(calls.length, 1, 'waits to be filled')
    assert.equal((await call(1)).names, 'b c', 'although the first was never answered')
  })

  test('has no more calls in flight than allowed', async () => {
    const { send, call, calls } = setUp({ concurrency: 2 })
    const sent = many(0, 40).map(name => send(item(name)))
    ;(await call(1)).answer()
    await sent[15]
    assert.equal((await call(2)).names, many(20, 30).join(' '))
    assert.equal(calls.length, 3)
  })
})

describe('batcher: settling', () => {
  test('resolves only when the call is answered, with one object for all of the call', async () => {
    const { send, call } = setUp()
    let settled = 0
    const sent = many(0, 12).map(name => send(item(name)).finally(() => settled++))
    const first = await call(0)
    const second = await call(1)
    assert.equal(settled, 0)
    first.answer()
    const stamps = await Promise.all(sent.slice(0, 10))
    assert.equal(new Set(stamps).size, 1)
    assert.equal(settled, 10)
    second.answer()
    assert.notEqual(await sent[11], stamps[0])
  })

  test('an answer that cannot be judged fails its messages and leaves nobody waiting', async () => {
    const { send, call, batcher } = setUp()
    const sent = many(0, 3).map(name => send(item(name)))
    const failure = { code: 7, message: '', senderFault: true } as unknown as EntryResult
    ;(await call(0)).answer(['taken', failure])
    await sent[0]
    await assert.rejects(sent[1]!, TypeError)
    await assert.rejects(sent[2]!, TypeError)
    await batcher.close(10)
  })

  test('settles entry by entry: the guilty one is refused, throttled and unmentioned ones are not', async () => {
    const { send, call } = setUp()
    const [a, b, c, d, e] = many(0, 5).map(name => send(item(name)))
    ;(await call(0)).answer([
      'taken',
      failure('InvalidMessageContents', true),
      failure('RequestThrottled', true),
      failure('InternalError', false),
      undefined,
    ])
    await a
    await assert.rejects(b!, { name: 'MessageRefused', message: /InvalidMessageContents: said so/ })
    await assert.rejects(c!, SinkUnavailable)
    const errors = await Promise.all([c, d, e].map(p => p!.catch((error: unknown) => error)))
    assert.equal(new Set(errors).size, 1, 'one call, one error')
  })

  test('a call that fails fails all of its messages with the same error', async () => {
    const { send, call, calls } = setUp()
    const sent = many(0, 3).map(name => send(item(name)))
    ;(await call(0)).fail(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    const errors = await Promise.all(sent.map(p => p.catch((error: unknown) => error)))
    assert.equal(new Set(errors).size, 1)
    assert.ok(errors[0] instanceof SinkUnavailable)
    assert.equal(calls.length, 1)
  })

  for (const [title, error] of [
    [
      'an unknown 4xx',
      Object.assign(new Error('?'), { name: 'Strange', $metadata: { httpStatusCode: 400 } }),
    ],
    ['an unexpected exception', new TypeError('x is not a function')],
    [
      'BatchRequestTooLong',
      Object.assign(new Error('too long'), { name: 'AWS.SimpleQueueService.BatchRequestTooLong' }),
    ],
  ] as const) {
    test(`${title} sends each message alone, and only the guilty one fails`, async () => {
      const { send, call } = setUp()
      const [a, b, c] = many(0, 3).map(name => send(item(name)))
      ;(await call(0)).fail(error)
      const alone = await call(1)
      assert.equal(alone.names, 'm0')
      alone.answer()
      await a
      ;(await call(2)).fail(error)
      await assert.rejects(
        b!,
        (e: unknown) => e === error || (e instanceof MessageRefused && e.cause === error),
      )
      ;(await call(3)).answer()
      await c
    })
  }

  test('the rest is not tried alone once the target turns out to be away', async () => {
    const { send, call, calls } = setUp()
    const [a, b, c] = many(0, 3).map(name => send(item(name)))
    ;(await call(0)).fail(new Error('?'))
    ;(await call(1)).answer()
    await a
    ;(await call(2)).fail(Object.assign(new Error('slow'), { name: 'TimeoutError' }))
    await assert.rejects(b!, SinkUnavailable)
    await assert.rejects(c!, SinkUnavailable)
    assert.equal(calls.length, 3)
  })
})

describe('batcher: FIFO groups', () => {
  test('one_per_group: never two messages of a group in flight', async () => {
    const { send, call, calls } = setUp()
    for (const [name, group] of [
      ['a1', 'A'],
      ['a2', 'A'],
      ['b1', 'B'],
      ['a3', 'A'],
      ['b2', 'B'],
    ] as const) {
      void send(item(name, 1, group))
    }
    const first = await call(0)
    assert.equal(first.names, 'a1 b1')
    assert.equal(calls.length, 1)
    first.answer()
    ;(await call(1)).answer()
    assert.equal(calls[1]?.names, 'a2 b2')
    assert.equal((await call(2)).names, 'a3')
  })

  test('a message of a group that fails frees its group', async () => {
    const { send, call } = setUp()
    const first = send(item('a1', 1, 'A'))
    void send(item('a2', 1, 'A'))
    ;(await call(0)).answer([failure('InvalidParameterValue', true)])
    await assert.rejects(first, MessageRefused)
    assert.equal((await call(1)).names, 'a2')
  })

  test('fill: several of a group in one call, and no second call with the group', async () => {
    const { send, call, calls } = setUp({ perGroup: 'many' })
    for (const name of many(0, 12)) void send(item(name, 1, 'A'))
    void send(item('b', 1, 'B'))
    const first = await call(0)
    assert.equal(first.names, `m0 b ${many(1, 9).join(' ')}`)
    assert.equal(calls.length, 1)
    first.answer()
    assert.equal((await call(1)).names, 'm9 m10 m11')
  })

  test('property: order within a group is kept and no group is in flight twice, whatever comes', async () => {
    const sends = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 60 })), { maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(
        sends,
        fc.constantFrom('one' as const, 'many' as const),
        async (messages, perGroup) => {
          const flying = new Map<string, number>()
          const arrived = new Map<string, string[]>()
          const batcher = new Batcher<Item>({
            async call(items) {
              assert.ok(items.length <= 10 && items.reduce((sum, i) => sum + i.size, 0) <= 100)
              const groups = new Set(items.map(i => i.group!))
              for (const group of groups) {
                assert.equal(flying.get(group) ?? 0, 0)
                flying.set(group, 1)
              }
              if (perGroup === 'one') assert.equal(groups.size, items.length)
              await new Promise(resolve => setImmediate(resolve))
              for (const group of groups) flying.delete(group)
              for (const i of items) arrived.set(i.group!, [...(arrived.get(i.group!) ?? []), i.name])
              return items.map(() => 'taken')
            },
            judge: ruling,
            maxBytes: 100,
            concurrency: 3,
            perGroup,
          })
          const all = messages.map(([group, size], i) => item(`${i}`, size, `g${group}`))
          await Promise.all(all.map(i => batcher.send(i, never)))
          for (const [group, names] of arrived) {
            assert.deepEqual(
              names,
              all.filter(i => i.group === group).map(i => i.name),
            )
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('batcher: giving up', () => {
  test('an aborted message leaves the others of its call alone', async () => {
    const { send, call } = setUp()
    const gone = new AbortController()
    const a = send(item('a'), gone.signal)
    const b = send(item('b'))
    const first = await call(0)
    gone.abort(new Error('stopped'))
    await assert.rejects(a, /stopped/)
    first.answer()
    await b
  })

  test('an aborted message that waits is never sent, and frees its group', async () => {
    const { send, call } = setUp({ concurrency: 1 })
    const gone = new AbortController()
    const first = send(item('a'))
    const opened = await call(0)
    const ready = send(item('b', 1, 'G'), gone.signal)
    const heldBack = send(item('c', 1, 'G'), gone.signal)
    void send(item('d', 1, 'G'))
    gone.abort(new Error('stopped'))
    await assert.rejects(ready, /stopped/)
    await assert.rejects(heldBack, /stopped/)
    opened.answer()
    await first
    assert.equal((await call(1)).names, 'd')
  })

  test('close waits for what is in flight and rejects what waits with LinkLost', async () => {
    const { batcher, send, call } = setUp({ concurrency: 1 })
    const flying = send(item('a', 1, 'G'))
    const first = await call(0)
    const waiting = send(item('b'))
    const heldBack = send(item('c', 1, 'G'))
    const closed = batcher.close(10_000)
    await assert.rejects(waiting, LinkLost)
    await assert.rejects(heldBack, LinkLost)
    await assert.rejects(send(item('d')), LinkLost)
    first.answer()
    await flying
    await closed
  })

  test('close is bounded: what is not answered by then is rejected with LinkLost', async () => {
    const { batcher, send, call, calls } = setUp()
    const flying = many(0, 3).map(name => send(item(name)))
    const stuck = await call(0)
    await batcher.close(20)
    for (const sent of flying) await assert.rejects(sent, LinkLost)
    stuck.fail(new Error('?'))
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(calls.length, 1, 'nothing is tried alone after the end')
  })
})
