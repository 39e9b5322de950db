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
})
