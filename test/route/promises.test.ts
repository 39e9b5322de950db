import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Sink } from '../../src/core/adapter.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { Breaker } from '../../src/route/breaker.ts'
import type { TargetSink } from '../../src/route/target.ts'
import { until } from '../support/until.ts'
import { deadFiles, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const numbered = (count: number, prefix = '') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

/** The target, whose confirmations take so many milliseconds. */
function slowly(target: TargetSink, milliseconds: number): TargetSink {
  const open = async (context: Parameters<TargetSink['open']>[0]): Promise<Sink> => {
    const sink = await target.open(context)
    return {
      limits: sink.limits,
      closed: sink.closed,
      close: () => sink.close(),
      check: signal => sink.check(signal),
      send: async (prepared, signal) => {
        await pause(milliseconds)
        return sink.send(prepared, signal)
      },
    }
  }
  return { ...target, open }
}

/** Promises that a broken line could take away without another test noticing; `npm run mutants` breaks each. */
describe('a route', () => {
  it('has no more unsettled than prefetch says, however much it has settled', async t => {
    const { source, target, route } = await routeOnMemory(t, { prefetch: 5 })
    for (const body of numbered(200)) source.put(message(body))
    await until(() => target.messages.length === 200, { what: 'a wide window' })
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(50)) source.put(message(body))
    await until(() => route.status().source.messages === 5, { what: 'a full window' })
    assert.equal(source.messages.length, 45)
  })

  it('finishes what is in flight when it is stopped, and neither gives it back nor sends it twice', async t => {
    const targets = new Map([['main', slowly(memoryTarget('stopped-slowly'), 30)]])
    const { source, route, events } = await routeOnMemory(t, { targets })
    for (const body of numbered(1_000)) source.put(message(body))
    await until(() => route.status().source.messages > 20, { what: 'messages in flight' })
    const settled = () => events.filter(e => e.type === 'settled').length
    const owed = settled() + route.status().source.messages
    await route.stop(AbortSignal.timeout(5_000))
    assert.ok(settled() >= owed, `${settled()} of ${owed} were settled`)
    assert.equal(settled() + source.messages.length, 1_000)
    assert.ok(!events.some(e => e.type === 'lost'))
  })

  it('counts no failure against a message while all fail', async t => {
    const { source, target, dead, events } = await routeOnMemory(t)
    for (const body of numbered(50)) source.put(message(body))
    await until(() => target.messages.length === 50, { what: 'a wide window' })
    target.failWith = () => new Error('a word that nobody knows')
    for (const body of numbered(20, 'b')) source.put(message(body))
    await until(() => events.filter(e => e.type === 'send_failed').length >= 20 * 5, { what: 'many tries' })
    target.failWith = undefined
    await until(() => target.messages.length === 70, { what: 'all' })
    assert.deepEqual(await deadFiles(dead), [])
  })

  it('counts the failures of a message over its deliveries', async t => {
    const { source, target, dead } = await routeOnMemory(t)
    let tries = 0
    target.failWith = () => {
      // The link is gone before the failure is counted.
      if (++tries === 2) source.cut()
      return new Error('a word that nobody knows')
    }
    source.put(message('poison'))
    await until(async () => (await deadFiles(dead)).length === 1, { what: 'the dead letter' })
    assert.equal(tries, 3)
  })
})

describe('a half-open breaker', () => {
  it('admits one probe, also where nobody waits', async t => {
    const breaker = new Breaker({ failureRate: 0.5, minimumCalls: 1, window: 1_000, openFor: 20 }, () => {})
    t.after(() => breaker.shutdown())
    breaker.failed(breaker.tryAdmit()!, new Error('down'))
    await until(() => breaker.state === 'half_open', { what: 'half open' })
    assert.equal(breaker.tryAdmit()?.probe, true)
    assert.equal(breaker.tryAdmit(), undefined)
  })
})
