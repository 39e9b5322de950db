import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { bodies, message, routeOnMemory } from './route-on-memory.ts'

/** A breaker that is open, and no message here: their broker has them again and cannot be reached. */
async function openAndEmpty(t: TestContext) {
  const made = await routeOnMemory(t)
  const { source, target, events, route } = made
  const states = () => events.flatMap(e => (e.type === 'breaker' ? [e.state] : []))
  target.failWith = () => new SinkUnavailable('down')
  for (let i = 0; i < 5; i++) source.put(message(String(i)))
  await until(() => states().includes('open'), { what: 'an open breaker' })
  source.down = true
  source.cut()
  await until(() => route.status().source.messages === 0, { what: 'no message here' })
  return { ...made, states, breaker: () => route.status().targets.main!.breaker }
}

describe('while no message is here', () => {
  it('a look at the target closes the breaker, and no message is sent for it', async t => {
    const { target, source, breaker, states } = await openAndEmpty(t)
    let sent = 0
    target.failWith = () => {
      sent++
      return undefined
    }
    await until(() => breaker() === 'closed', { what: 'a closed breaker' })
    assert.equal(sent, 0)
    assert.ok(states().includes('half_open'))
    source.down = false
    await until(() => target.messages.length === 5, { what: 'all' })
    assert.deepEqual(new Set(bodies(target.messages)), new Set(['0', '1', '2', '3', '4']))
  })

  it('the breaker stays open as long as the looks fail, and says why', async t => {
    const { target, breaker, states, route } = await openAndEmpty(t)
    target.down = true
    await until(() => states().filter(s => s === 'half_open').length >= 3, { what: 'three looks' })
    await until(() => breaker() === 'open', { what: 'a verdict' })
    assert.match(route.status().targets.main!.error!.message, /the queue is down/)
    target.down = false
    await until(() => breaker() === 'closed', { what: 'a closed breaker' })
    assert.equal(route.status().targets.main!.error, undefined)
  })

  it('the target is looked at as soon as it has a link again', async t => {
    const { target, breaker, states, events } = await openAndEmpty(t)
    target.down = true
    target.cut()
    await until(() => states().at(-1) === 'half_open', { what: 'a breaker that is half open' })
    const failed = () => events.filter(e => e.type === 'link_down' && e.link === 'main').length
    await until(() => failed() > 3, { what: 'tries to open the link' })
    assert.equal(breaker(), 'half_open')
    target.down = false
    await until(() => breaker() === 'closed', { what: 'a closed breaker' })
  })

  it('the first message that a target does not take after a look opens the breaker again', async t => {
    const { source, target, breaker, states } = await openAndEmpty(t)
    await until(() => breaker() === 'closed', { what: 'a closed breaker' })
    const before = states().length
    source.down = false
    await until(() => states().length > before, { what: 'another state' })
    assert.equal(states()[before], 'open')
    target.failWith = undefined
    await until(() => target.messages.length === 5, { what: 'all' })
  })
})
