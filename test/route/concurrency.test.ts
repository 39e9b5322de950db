import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { Concurrency } from '../../src/route/concurrency.ts'
import type { TargetSink } from '../../src/route/target.ts'
import { until } from '../support/until.ts'
import { memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const never = new AbortController().signal

/** With so many in flight, all of which entered at once. */
function with_(count: number) {
  const limits: number[] = []
  const it = new Concurrency(limit => limits.push(limit))
  const epochs = Array.from({ length: count }, () => it.tryEnter()!)
  return { it, limits, epochs }
}

describe('what is in flight at a time', () => {
  it('has no limit until the target throttles, and then half of what was in flight', () => {
    const { it, epochs } = with_(500)
    assert.equal(it.limit, Number.POSITIVE_INFINITY)
    assert.equal(it.throttled(epochs[0]!), false)
    assert.equal(it.limit, 250)
    assert.equal(it.tryEnter(), undefined)
  })

  it('is halved once for all that was in flight when it was', () => {
    const { it, epochs, limits } = with_(500)
    for (const epoch of epochs) assert.equal(it.throttled(epoch), false)
    assert.deepEqual(limits, [250])
  })

  it('is never less than one, and only then is throttling the breaker’s', () => {
    const { it, epochs } = with_(3)
    assert.equal(it.throttled(epochs[0]!), false)
    assert.equal(it.limit, 1)
    for (const _ of epochs) it.leave()
    const alone = it.tryEnter()!
    assert.equal(it.tryEnter(), undefined)
    assert.equal(it.throttled(alone), true)
    assert.equal(it.limit, 1)
    assert.equal(it.throttled(epochs[1]!), false)
  })

  it('grows with successes by about one in each round, until the limit is lifted', () => {
    const { it, epochs, limits } = with_(40)
    it.throttled(epochs[0]!)
    for (const _ of epochs) it.leave()
    for (let i = 0; i < 20; i++) it.succeeded()
    assert.equal(it.limit, 20)
    it.succeeded()
    assert.equal(it.limit, 21)
    for (let i = 0; i < 700; i++) it.succeeded()
    assert.equal(it.limit, Number.POSITIVE_INFINITY)
    assert.deepEqual(limits, [20, Number.POSITIVE_INFINITY])
  })

  it('lets those go on that wait, in the order they came, and nobody pass', async () => {
    const { it, epochs } = with_(2)
    it.throttled(epochs[0]!)
    const gone: string[] = []
    const first = it.enter(never).then(() => gone.push('first'))
    const second = it.enter(never).then(() => gone.push('second'))
    it.leave()
    it.leave()
    assert.equal(it.tryEnter(), undefined)
    await first
    assert.deepEqual(gone, ['first'])
    it.leave()
    await second
    assert.deepEqual(gone, ['first', 'second'])
    it.leave()
    assert.equal(it.inFlight, 0)
  })

  it('has the place of one that left while it waited for another', async () => {
    const { it, epochs } = with_(2)
    it.throttled(epochs[0]!)
    const lost = new AbortController()
    const gone = it.enter(lost.signal)
    const next = it.enter(never)
    lost.abort()
    it.leave()
    it.leave()
    assert.equal(await gone, undefined)
    assert.notEqual(await next, undefined)
    assert.equal(it.inFlight, 1)
  })

  it('is nothing for as long as the target asks for, at most five minutes', async t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { it, epochs } = with_(8)
    it.throttled(epochs[0]!, 2_000)
    for (const _ of epochs) it.leave()
    let entered = 0
    for (let i = 0; i < 8; i++) void it.enter(never).then(() => entered++)
    t.mock.timers.tick(1_999)
    await new Promise(setImmediate)
    assert.equal(entered, 0)
    t.mock.timers.tick(1)
    await new Promise(setImmediate)
    assert.equal(entered, 4)
    it.throttled(1, 86_400_000)
    t.mock.timers.tick(299_999)
    assert.equal(it.tryEnter(), undefined)
  })
})

/** A target that takes a moment for each message and throttles all that come while there are more than so many. */
function busyTarget(queue: string) {
  const sink = memoryTarget(queue)
  const state = { capacity: Number.POSITIVE_INFINITY, now: 0, most: 0 }
  const target: TargetSink = {
    ...sink,
    open: async context => {
      const link = await sink.open(context)
      const send: typeof link.send = async (prepared, signal) => {
        state.most = Math.max(state.most, ++state.now)
        const before = state.now
        await delay(1)
        const isTooMuch = Math.max(before, state.now) > state.capacity
        state.now--
        if (isTooMuch) throw new SinkUnavailable('slow down', { throttled: true })
        return link.send(prepared, signal)
      }
      return {
        limits: link.limits,
        closed: link.closed,
        send,
        check: s => link.check(s),
        close: () => link.close(),
      }
    },
  }
  return { target, state }
}

describe('a target that throttles', () => {
  it('gets less at a time, and neither opens the breaker nor loses a message; then there is no limit any more', async t => {
    const queue = memoryQueue('busy')
    const { target, state } = busyTarget('busy')
    const { source, route, events } = await routeOnMemory(t, {
      prefetch: 30,
      breaker: { failureRate: 0.05, minimumCalls: 5, window: 1_000, openFor: 50 },
      targets: new Map([['main', target]]),
    })
    const carried = async (count: number, what: string) => {
      const before = queue.messages.length
      for (let i = 0; i < count; i++) source.put(message(what))
      await until(() => queue.messages.length === before + count, { what, timeout: 30_000 })
    }
    await carried(150, 'messages before it throttles')
    assert.ok(state.most > 15, `${state.most} at a time`)
    state.capacity = 5
    await carried(150, 'messages while it throttles')
    assert.ok(events.some(e => e.type === 'concurrency' && e.limit <= 5))
    state.capacity = Number.POSITIVE_INFINITY
    await carried(700, 'messages after it')
    assert.equal(route.status().targets.main!.inFlightLimit, undefined)
    assert.deepEqual(
      events.filter(e => e.type === 'breaker'),
      [],
    )
    const kinds = new Set(events.flatMap(e => (e.type === 'send_failed' ? [e.kind] : [])))
    assert.deepEqual([...kinds], ['throttled'])
  })

  it('opens the breaker when it does not take even one at a time', async t => {
    const { source, target, events } = await routeOnMemory(t)
    target.failWith = () => new SinkUnavailable('slow down', { throttled: true })
    for (let i = 0; i < 50; i++) source.put(message(`${i}`))
    await until(() => events.some(e => e.type === 'breaker' && e.state === 'open'), { what: 'the breaker' })
    target.failWith = undefined
    await until(() => target.messages.length === 50, { what: 'all' })
  })

  it('is left alone for as long as it asks', async t => {
    const { source, target } = await routeOnMemory(t)
    let asked = 0
    const tries: number[] = []
    target.failWith = () => {
      tries.push(performance.now())
      return asked++ === 0
        ? new SinkUnavailable('slow down', { throttled: true, retryAfter: 120 })
        : undefined
    }
    for (let i = 0; i < 5; i++) source.put(message(`${i}`))
    await until(() => target.messages.length === 5, { what: 'all' })
    assert.ok(tries[1]! - tries[0]! >= 119, `${tries[1]! - tries[0]!} ms`)
  })
})
