import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { Deadlines } from '../../src/route/expiry.ts'
import { until } from '../support/until.ts'
import { bodies, deadLetters, message, routeOnMemory } from './route-on-memory.ts'

const expiring = (body: string, inMs: number, groupId?: string) =>
  message(body, { properties: { expiresAt: Date.now() + inMs, ...(groupId && { groupId }) } })

describe('a message that has expired', () => {
  it('when it comes is dropped, counted and settled, and never sent', async t => {
    const { source, target, events, dead, route } = await routeOnMemory(t)
    for (let i = 0; i < 10; i++) {
      source.put(expiring('late', -1))
      source.put(expiring(`${i}`, 60_000))
    }
    await until(() => target.messages.length === 10 && route.status().source.messages === 0, {
      what: 'the others',
    })
    assert.ok(!bodies(target.messages).includes('late'))
    assert.equal(events.filter(e => e.type === 'expired').length, 10)
    assert.equal(events.filter(e => e.type === 'settled' && e.outcome === 'accepted').length, 20)
    assert.deepEqual([await deadLetters(dead), source.messages], [[], []])
  })

  it('is a dead letter where the route says so', async t => {
    const { source, dead, events } = await routeOnMemory(t, { expired: 'dead_letter' })
    source.put(expiring('late', -1))
    await until(async () => (await deadLetters(dead)).length === 1, { what: 'the dead letter' })
    const [letter] = await deadLetters(dead)
    assert.match(letter!.reason, /had expired when it came/)
    assert.equal(events.filter(e => e.type === 'expired').length, 1)
  })

  it('by what the mapping says is not sent either', async t => {
    const { source, target, events } = await routeOnMemory(t, {
      mapping: m => ({ ...m, properties: { ...m.properties, expiresAt: bodies([m])[0] === 'a' ? 1 : 1e13 } }),
    })
    for (const body of ['a', 'b']) source.put(message(body))
    await until(() => target.messages.length === 1, { what: 'the other' })
    assert.deepEqual(bodies(target.messages), ['b'])
    assert.deepEqual(
      events.flatMap(e => (e.type === 'expired' ? [e.target] : [])),
      ['main'],
    )
  })

  it('while its target is down makes room then, in flight or still waiting to be taken, and holds no group', async t => {
    const { source, target, events, route } = await routeOnMemory(t, {
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    for (let i = 0; i < 50; i++) source.put(message('first'))
    await until(() => target.messages.length === 50, { what: 'a wide window' })
    target.failWith = () => new SinkUnavailable('down')
    for (let i = 0; i < 30; i++) source.put(expiring('short', 400, 'g'))
    source.put(expiring('long', 60_000, 'g'))
    await until(() => route.status().source.messages === 31, { what: 'all here' })
    await until(() => route.status().source.messages === 1, { what: 'room' })
    assert.equal(events.filter(e => e.type === 'expired').length, 30)
    target.failWith = undefined
    await until(() => target.messages.length === 51, { what: 'the long one' })
    assert.equal(bodies(target.messages).at(-1), 'long')
    assert.equal(route.status().targets.main!.groupsHeld, 0)
  })
})

it('a message that expires in the buffer of a route whose target is down is not kept there', async t => {
  const { source, target, events, route, dead } = await routeOnMemory(t, { expired: 'dead_letter' })
  for (let i = 0; i < 50; i++) source.put(message('first'))
  await until(() => target.messages.length === 50, { what: 'a wide window' })
  target.down = true
  target.cut()
  await until(() => events.some(e => e.type === 'link_down' && e.link === 'main'), { what: 'the cut' })
  for (let i = 0; i < 10; i++) source.put(expiring('short', 300))
  source.put(message('long'))
  await until(() => route.status().source.messages === 11, { what: 'all here' })
  await until(() => route.status().source.messages === 1, { what: 'room' })
  assert.equal((await deadLetters(dead)).length, 10)
  target.down = false
  await until(() => bodies(target.messages).includes('long'), { what: 'the other' })
})

describe('the deadlines of a route', () => {
  it('end what is over and what is lost, and leave no timer behind', async () => {
    const deadlines = new Deadlines()
    const lost = new AbortController()
    const soon = Array.from({ length: 1_000 }, () => deadlines.until(Date.now() + 5, lost.signal))
    const later = deadlines.until(Date.now() + 60_000, lost.signal)
    const done = deadlines.until(Date.now() + 5, lost.signal)
    done.end()
    await until(() => soon.every(d => d.isOver && d.signal.aborted), { what: 'the short ones' })
    assert.deepEqual([done.signal.aborted, later.signal.aborted], [false, false])
    lost.abort()
    assert.deepEqual([later.signal.aborted, later.isOver], [true, false])
    later.end()
    assert.equal(process.getActiveResourcesInfo().filter(r => r === 'Timeout').length, 0)
    assert.equal(deadlines.until(Date.now() + 60_000, lost.signal).signal.aborted, true)
  })
})
