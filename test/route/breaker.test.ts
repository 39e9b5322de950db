import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BreakerState } from '../../src/core/events.ts'
import { Breaker } from '../../src/route/breaker.ts'
import { until } from '../support/until.ts'

const options = { failureRate: 0.5, minimumCalls: 4, window: 1_000, openFor: 40 }
const down = () => new Error('down')

function breaker(t: { after(f: () => void): void }) {
  const states: BreakerState[] = []
  const it = new Breaker(options, state => states.push(state))
  t.after(() => it.shutdown())
  return { it, states }
}

async function opened(t: { after(f: () => void): void }) {
  const made = breaker(t)
  for (let i = 0; i < 4; i++) made.it.failed(made.it.tryAdmit()!, down())
  await until(() => made.it.state === 'open', { what: 'open' })
  return made
}

describe('breaker', () => {
  it('opens by the rate of failed calls, not before the minimum of calls', async t => {
    const { it } = breaker(t)
    for (let i = 0; i < 3; i++) it.failed(it.tryAdmit()!, down())
    assert.equal(it.state, 'closed')
    it.failed(it.tryAdmit()!, down())
    await until(() => it.state === 'open', { what: 'open' })
  })

  it('counts a call once, however many messages were in it', async t => {
    const { it } = breaker(t)
    const error = down()
    for (let i = 0; i < 10; i++) it.failed(it.tryAdmit()!, error)
    const call = {}
    for (let i = 0; i < 10; i++) it.succeeded(it.tryAdmit()!, call)
    await new Promise(setImmediate)
    assert.equal(it.state, 'closed')
  })

  it('admits nobody while open, then one probe, whose success closes it', async t => {
    const { it, states } = await opened(t)
    assert.equal(it.tryAdmit(), undefined)
    const admitted: number[] = []
    const waiting = [1, 2, 3].map(async n => {
      const permit = await it.admit()
      admitted.push(n)
      return permit
    })
    const probe = await waiting[0]!
    assert.equal(it.state, 'half_open')
    assert.deepEqual(admitted, [1])
    it.succeeded(probe!, {})
    await Promise.all(waiting)
    assert.equal(it.state, 'closed')
    assert.deepEqual(states, ['open', 'half_open', 'closed'])
  })

  it('opens again when the probe fails', async t => {
    const { it, states } = await opened(t)
    it.failed((await it.admit())!, down())
    await until(() => states.length === 3, { what: 'a verdict' })
    assert.deepEqual(states, ['open', 'half_open', 'open'])
  })

  it('takes the word of a probe that fails with an error it has counted before', async t => {
    const { it, states } = breaker(t)
    const errors = [down(), down(), down(), down()]
    for (const error of errors) it.failed(it.tryAdmit()!, error)
    await until(() => it.state === 'half_open', { what: 'half open' })
    it.failed(it.tryAdmit()!, errors[0]!)
    await until(() => states.length === 4, { what: 'another probe' })
    it.succeeded(it.tryAdmit()!, {})
    await until(() => it.state === 'closed', { what: 'closed' })
    assert.deepEqual(states, ['open', 'half_open', 'open', 'half_open', 'closed'])
  })

  it('gives the turn to the next when a probe ends without a verdict', async t => {
    const { it } = await opened(t)
    const probe = await it.admit()
    const next = it.admit()
    it.withdrawn(probe!)
    it.succeeded((await next)!, {})
    await until(() => it.state === 'closed', { what: 'closed' })
  })

  it('ignores a late success from before it opened', async t => {
    const { it } = breaker(t)
    const early = it.tryAdmit()!
    for (let i = 0; i < 4; i++) it.failed(it.tryAdmit()!, down())
    await until(() => it.state === 'half_open', { what: 'half open' })
    it.succeeded(early, {})
    await new Promise(setImmediate)
    assert.equal(it.state, 'half_open')
  })

  it('lets a waiting message go when its delivery is lost, and hands its turn on', async t => {
    const { it } = await opened(t)
    const lost = new AbortController()
    const gone = it.admit(lost.signal)
    const next = it.admit()
    lost.abort()
    assert.equal(await gone, undefined)
    assert.equal((await next)?.probe, true)
  })

  for (const [random, openFor] of [
    [0, 40],
    [0.5, 50],
    [0.9, 58],
  ] as const) {
    it(`stays open for ${openFor} ms where chance is ${random}, each time anew, so that breakers do not come back in step`, async t => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      t.mock.method(Math, 'random', () => 0.1)
      const { it, states } = breaker(t)
      const fail = async (count: number) => {
        for (let i = 0; i < count; i++) it.failed(it.tryAdmit()!, down())
        await new Promise(setImmediate)
      }
      await fail(4)
      t.mock.timers.tick(41)
      assert.deepEqual(states, ['open'])
      t.mock.method(Math, 'random', () => random)
      t.mock.timers.tick(1)
      assert.deepEqual(states, ['open', 'half_open'])
      await fail(1)
      t.mock.timers.tick(openFor - 1)
      assert.equal(states.length, 3)
      t.mock.timers.tick(1)
      assert.deepEqual(states, ['open', 'half_open', 'open', 'half_open'])
    })
  }

  it('says why it is not closed', async t => {
    const { it } = await opened(t)
    assert.equal(it.reason?.message, 'down')
    it.succeeded((await it.admit())!, {})
    await until(() => it.state === 'closed', { what: 'closed' })
    assert.equal(it.reason, undefined)
  })

  it('asks for a look at the target when it is half open and nobody waits, also after a probe without a verdict', async t => {
    let asked = 0
    const it = new Breaker(
      options,
      () => {},
      () => asked++,
    )
    t.after(() => it.shutdown())
    for (let i = 0; i < 4; i++) it.failed(it.tryAdmit()!, down())
    await until(() => it.state === 'half_open', { what: 'half open' })
    assert.equal(asked, 1)
    it.withdrawn(it.tryAdmit()!)
    assert.equal(asked, 2)
  })

  it('closes on the word of a look at the target, and opens at the first failure after it', async t => {
    const states: BreakerState[] = []
    const it = new Breaker({ ...options, window: 20 }, state => states.push(state))
    t.after(() => it.shutdown())
    for (let i = 0; i < 4; i++) it.failed(it.tryAdmit()!, down())
    await until(() => it.state === 'open', { what: 'open' })
    it.checked((await it.admit())!, undefined)
    await until(() => it.state === 'closed', { what: 'closed' })
    it.failed(it.tryAdmit()!, new Error('it was wrong'))
    assert.equal(it.state, 'open')
    assert.equal(it.reason?.message, 'it was wrong')
    it.checked((await it.admit())!, undefined)
    await until(() => it.state === 'closed', { what: 'closed again' })
    it.succeeded(it.tryAdmit()!, {})
    it.failed(it.tryAdmit()!, down())
    await new Promise(setImmediate)
    assert.equal(it.state, 'closed')
    assert.deepEqual(states, ['open', 'half_open', 'closed', 'open', 'half_open', 'closed'])
  })

  it('stays open when a look at the target fails, and takes its word only as the probe', async t => {
    const { it, states } = await opened(t)
    it.checked((await it.admit())!, down())
    await until(() => states.length === 3, { what: 'a verdict' })
    assert.equal(it.state, 'open')
    const { it: other } = breaker(t)
    for (let i = 0; i < 8; i++) other.checked(other.tryAdmit()!, down())
    await new Promise(setImmediate)
    assert.equal(other.state, 'closed')
  })
})
