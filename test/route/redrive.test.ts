import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import type { Deliver } from '../../src/core/adapter.ts'
import type { Outcome } from '../../src/core/delivery.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { deadLetterOf, readRecord, recordMessage } from '../../src/route/dead-letter/record.ts'
import type { RouteParts } from '../../src/route/parts.ts'
import { redriving } from '../../src/route/redrive.ts'
import { Route } from '../../src/route/route.ts'
import { anyMessage } from '../support/any-message.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message } from './route-on-memory.ts'

let names = 0

/** A route that carries these messages once more; resolves with how each was settled, in their order. */
async function redriven(
  t: Pick<TestContext, 'after'>,
  messages: readonly Message[],
  {
    target = 'main',
    prefetch = 100,
    ...more
  }: Partial<RouteParts> & { target?: string; prefetch?: number } = {},
) {
  const name = `redrive-${++names}`
  const outcomes: (Outcome | undefined)[] = messages.map(() => undefined)
  const waiting = [...messages.keys()]
  const hand = (deliver: Deliver, i: number) => {
    const { deduplicationId } = messages[i]!.properties
    deliver({
      message: messages[i]!,
      size: 1,
      ...(deduplicationId !== undefined && { name: deduplicationId }),
      lost: new AbortController().signal,
      settle: async outcome => {
        outcomes[i] = outcome
      },
    })
  }
  const parts: RouteParts = {
    name: 'r',
    source: { connectionName: 'memory', prefetch, open: () => Promise.reject(new Error('not this one')) },
    mapping: m => m,
    buffer: { maxMessages: 1000, maxBytes: 2 ** 20 },
    targets: new Map([['main', memoryTarget(name)]]),
    deadLetters: [],
    retry: { initial: 1, max: 5, maxAttempts: 3 },
    breaker: { failureRate: 0.5, minimumCalls: 5, window: 1_000, openFor: 50 },
    order: { ordering: 'none', onRefused: 'continue' },
    expired: 'drop',
    deadLetterPause: { share: 0.1, ofLast: 10, atLeast: 1 },
    trail: { bridge: 'b', maxHops: 16, loop: 'drop' },
    ...more,
  }
  const closed = Promise.withResolvers<undefined>()
  const source = {
    prefetch,
    open: async (deliver: Deliver) => ({
      closed: closed.promise,
      grant: (count: number) => {
        for (const i of waiting.splice(0, count)) queueMicrotask(() => hand(deliver, i))
      },
      stop: async () => {},
      close: async () => closed.resolve(undefined),
    }),
  }
  const route = new Route(redriving(parts, target, source), () => {})
  t.after(() => route.stop(AbortSignal.abort()))
  route.start()
  await until(() => outcomes.every(outcome => outcome !== undefined), { what: 'all settled', every: 2 })
  await route.stop(AbortSignal.timeout(1_000))
  return { outcomes, arrived: memoryQueue(name).messages }
}

const drop = () => undefined

describe('redriving', () => {
  it('carries the message of any record exactly, under its own name, with its route last in the trail', async t => {
    await fc.assert(
      fc.asyncProperty(anyMessage, async given => {
        const { trail: passed, expiresAt: _, delay: __, ...properties } = given.properties
        const trail = passed === undefined ? {} : { trail: passed.split(' ').slice(0, 3).join(' ') }
        const original = { ...given, properties: { ...properties, ...trail, deduplicationId: 'd-1' } }
        const letter = deadLetterOf(
          { route: 'r', target: 'main', message: original, attempts: 1, receivedAt: 1, diedAt: 2 },
          new MessageRefused('no'),
        )
        const { body } = recordMessage(letter)
        const read = readRecord(body.kind === 'text' ? body.text : '')
        const { outcomes, arrived } = await redriven(t, [read.message])
        assert.deepEqual(outcomes, ['accepted'])
        const expected = [...(trail.trail?.split(' ') ?? []), 'b/r'].join(' ')
        assert.deepEqual(arrived, [{ ...original, properties: { ...original.properties, trail: expected } }])
      }),
      { numRuns: 60 },
    )
  })

  it('takes no message for a loop because of its own entry, and leaves those of others', async t => {
    const passed = message('x', { properties: { trail: 'b/other b/r other/r' } })
    const { outcomes, arrived } = await redriven(t, [passed])
    assert.deepEqual(outcomes, ['accepted'])
    assert.equal(arrived[0]?.properties.trail, 'b/other other/r b/r')
  })

  it('rejects what the mapping now drops, has expired or is refused, however many, and goes on', async t => {
    const mapping: RouteParts['mapping'] = m => {
      if (m.headers.bad) throw new MessageRefused('bad')
      return m.headers.beat ? undefined : m
    }
    const bad = { headers: { bad: { type: 'null' } } } as const
    const messages = [
      ...Array.from({ length: 30 }, (_, i) => message(`bad ${i}`, bad)),
      message('dropped', { headers: { beat: { type: 'null' } } }),
      message('late', { properties: { expiresAt: 1 } }),
      message('fine'),
    ]
    const { outcomes, arrived } = await redriven(t, messages, { mapping })
    assert.deepEqual(outcomes, [...Array(32).fill('rejected'), 'accepted'])
    assert.deepEqual(bodies(arrived), ['fine'])
  })

  it('goes to the target that refused only, or to all where the route itself did', async t => {
    const targets = () =>
      new Map([
        ['main', memoryTarget(`two-main-${names}`)],
        ['copy', memoryTarget(`two-copy-${names}`)],
      ])
    const at = names
    await redriven(t, [message('one')], { target: 'copy', targets: targets() })
    assert.deepEqual(bodies(memoryQueue(`two-copy-${at}`).messages), ['one'])
    assert.deepEqual(bodies(memoryQueue(`two-main-${at}`).messages), [])
    const then = names
    await redriven(t, [message('both')], { target: '', targets: targets() })
    assert.deepEqual(bodies(memoryQueue(`two-copy-${then}`).messages), ['both'])
    assert.deepEqual(bodies(memoryQueue(`two-main-${then}`).messages), ['both'])
  })

  it('lets one of several targets drop it, and not all', async t => {
    const two = (main: RouteParts['mapping']) =>
      new Map([
        ['main', { ...memoryTarget(`drop-${++names}`), mapping: main }],
        ['copy', { ...memoryTarget(`drop-copy-${names}`), mapping: drop }],
      ])
    const some = await redriven(t, [message('x')], { target: '', targets: two(m => m) })
    assert.deepEqual(some.outcomes, ['accepted'])
    const none = await redriven(t, [message('x')], { target: '', targets: two(drop) })
    assert.deepEqual(none.outcomes, ['rejected'])
  })

  it('sends nothing of a held group past one that is refused, and waits for nobody', async t => {
    const group = (body: string, groupId: string) => message(body, { properties: { groupId } })
    const queue = `held-${++names}`
    const sink = memoryTarget(queue, { fifo: true })
    const prepare: typeof sink.prepare = (limits, m) => {
      if (bodies([m])[0] === 'bad') throw new MessageRefused('bad')
      return sink.prepare(limits, m)
    }
    const { outcomes } = await redriven(
      t,
      [group('a1', 'a'), group('bad', 'a'), group('a3', 'a'), group('b1', 'b')],
      {
        prefetch: 1,
        targets: new Map([['main', { ...sink, prepare }]]),
        order: { ordering: 'by_group', onRefused: 'hold_group' },
      },
    )
    assert.deepEqual(outcomes, ['accepted', 'rejected', 'rejected', 'accepted'])
    assert.deepEqual(bodies(memoryQueue(queue).messages), ['a1', 'b1'])
  })
})
