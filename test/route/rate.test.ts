import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i))
const wide = { prefetch: 5_000, buffer: { maxMessages: 10_000, maxBytes: 2 ** 24 } }

/** So long (s) a rate needs at least, after its burst of a twentieth of a second's worth. */
const least = (tries: number, rate: number) => (tries - rate / 20 - 1) / rate

describe('a route with a rate', () => {
  it('drains a backlog at the rate, in order', async t => {
    const { source, target } = await routeOnMemory(t, { ...wide, maxRate: 500 })
    const began = performance.now()
    for (const body of numbered(3_000)) source.put(message(body))
    await until(() => target.messages.length >= 1_000, { what: '1,000 messages' })
    const [count, seconds] = [target.messages.length, (performance.now() - began) / 1_000]
    assert.ok(seconds >= least(count, 500) && seconds < 3, `${count} messages in ${seconds} s`)
    assert.deepEqual(bodies(target.messages), numbered(target.messages.length))
  })

  it('does not exceed it after an outage, by what was waiting for its target', async t => {
    const breaker = { failureRate: 1, minimumCalls: 1e6, window: 1_000, openFor: 50 }
    const { source, target } = await routeOnMemory(t, { ...wide, breaker, maxRate: 500 })
    for (const body of numbered(200)) source.put(message(body))
    await until(() => target.messages.length === 200, { what: 'a wide window' })
    let tries = 0
    target.failWith = () => (tries++ < 500 ? new SinkUnavailable('down') : undefined)
    const began = performance.now()
    for (const body of numbered(400)) source.put(message(body))
    await until(() => target.messages.length === 600, { what: 'all' })
    const seconds = (performance.now() - began) / 1_000
    assert.ok(seconds >= least(900, 500), `${tries} tries in ${seconds} s`)
  })

  it('counts tries, and each target for itself', async t => {
    const queues = [memoryQueue('rated-a'), memoryQueue('rated-b')]
    const { source } = await routeOnMemory(t, {
      ...wide,
      maxRate: 200,
      targets: new Map([
        ['a', memoryTarget('rated-a')],
        ['b', memoryTarget('rated-b')],
      ]),
    })
    let tries = 0
    queues[0]!.failWith = () => (tries++ % 2 === 0 ? new SinkUnavailable('now and then') : undefined)
    const began = performance.now()
    for (const body of numbered(150)) source.put(message(body))
    await until(() => queues.every(q => q.messages.length === 150), { what: 'all at both' })
    const seconds = (performance.now() - began) / 1_000
    assert.ok(seconds >= least(300, 200), `${tries} tries in ${seconds} s`)
  })

  it('stops at once, and gives back what it has not sent', async t => {
    const { source, target, route } = await routeOnMemory(t, { ...wide, maxRate: 10 })
    for (const body of numbered(100)) source.put(message(body))
    await until(() => target.messages.length >= 3, { what: 'a start' })
    const began = performance.now()
    await route.stop(AbortSignal.timeout(10_000))
    assert.ok(performance.now() - began < 500, 'stopping must not wait for the rate')
    assert.deepEqual(bodies([...target.messages, ...source.messages]), numbered(100))
  })

  it('sends less than one a second where it is told to', async t => {
    const { source, target } = await routeOnMemory(t, { maxRate: 0.001 })
    for (const body of numbered(3)) source.put(message(body))
    await until(() => target.messages.length === 1, { what: 'the first' })
  })
})
