import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { RouteEvent } from '../../src/core/events.ts'
import { HoldWatch } from '../../src/route/hold-watch.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i))
const holdLimit = 60
const returns = (events: readonly RouteEvent[]) => events.filter(e => e.type === 'gave_back')
/** Breakers that stay out of the way: what fails is tried again and again. */
const patient = { failureRate: 1, minimumCalls: 1_000_000, window: 1_000, openFor: 50 }

describe('a source whose broker limits how long messages are held', () => {
  it('gives all back when its target stays away, and is closed until a look finds the target there', async t => {
    const { source, target, route, events, dead } = await routeOnMemory(t, { holdLimit, prefetch: 50 })
    for (const body of numbered(50)) source.put(message(body))
    await until(() => target.messages.length === 50, { what: 'a wide window' })
    let [isAway, looks] = [true, 0]
    Object.defineProperty(target, 'down', {
      get: () => {
        looks++
        return isAway
      },
    })
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(30)) source.put(message(`late ${body}`))
    await until(() => returns(events).length === 1, { what: 'the return' })
    assert.deepEqual(
      bodies(source.messages),
      numbered(30).map(n => `late ${n}`),
    )
    assert.equal(returns(events)[0]!.messages, 30)
    const { up, error } = route.status().source
    assert.equal(up, false)
    assert.match(error!.message, /held for .* as long as its broker allows/)
    const opened = () => events.filter(e => e.type === 'link_up' && e.link === 'source').length
    const before = looks
    await until(() => looks >= before + 3, { what: 'looks at the target while nothing is here' })
    assert.equal(opened(), 1)
    assert.equal(source.messages.length, 30)
    isAway = false
    target.failWith = undefined
    await until(() => target.messages.length === 80, { what: 'all' })
    assert.equal(opened(), 2)
    assert.equal(returns(events).length, 1)
    assert.equal(route.status().targets.main!.breaker, 'closed')
    assert.deepEqual(await readdir(dead), [])
  })

  it('begins again with one message, and needs no breaker to be open', async t => {
    const { source, target, events } = await routeOnMemory(t, { holdLimit, prefetch: 50, breaker: patient })
    for (const body of numbered(50)) source.put(message(body))
    await until(() => target.messages.length === 50, { what: 'a wide window' })
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(30)) source.put(message(body))
    await until(() => returns(events).length === 1, { what: 'the return' })
    const received = () => events.filter(e => e.type === 'received').length
    const before = received()
    // The memory queue is there when it is looked at, and takes nothing: the source comes back and holds one message.
    await until(() => received() > before, { what: 'one more' })
    await until(() => returns(events).length === 2, { what: 'another return' })
    assert.equal(received(), before + 1)
    target.failWith = undefined
    await until(() => target.messages.length === 80, { what: 'all', timeout: 20_000 })
    assert.deepEqual(new Set(bodies(target.messages)), new Set(numbered(50)))
  })

  it('holds what takes long as long as the limit allows, and no return is made without need', async t => {
    const { source, target, events } = await routeOnMemory(t, { holdLimit: 400, breaker: patient })
    const down = setTimeout(() => {
      target.failWith = undefined
    }, 150)
    t.after(() => clearTimeout(down))
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(10)) source.put(message(body))
    await until(() => target.messages.length === 10, { what: 'all' })
    assert.deepEqual(returns(events), [])
  })

  it('is closed until a place for dead letters is there, where one is missing', async t => {
    const place = memoryQueue('hold-dead')
    place.down = true
    place.failWith = () => new SinkUnavailable('down')
    const { source, target, events } = await routeOnMemory(t, {
      holdLimit,
      deadLetters: [{ name: 'place', sink: memoryTarget('hold-dead') }],
    })
    target.failWith = m => (bodies([m])[0] === 'bad' ? new MessageRefused('no') : undefined)
    source.put(message('bad'))
    await until(() => returns(events).length === 1, { what: 'the return' })
    source.put(message('good'))
    const failed = () => events.filter(e => e.type === 'link_down' && e.link === 'dead_letter').length
    const before = failed()
    await until(() => failed() > before + 3, { what: 'tries to open the place' })
    assert.deepEqual(bodies(source.messages), ['bad', 'good'])
    place.down = false
    place.failWith = undefined
    await until(() => place.messages.length === 1 && target.messages.length === 1, { what: 'both' })
  })

  it('gives a held group back, and holds it again in its order', async t => {
    const { source, target, events } = await routeOnMemory(t, {
      holdLimit,
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    let refuses = true
    target.failWith = m => (refuses && bodies([m])[0] === 'a1' ? new MessageRefused('no') : undefined)
    for (const body of ['a0', 'a1', 'a2', 'b0']) {
      source.put(message(body, { properties: { groupId: body[0]! } }))
    }
    await until(() => returns(events).length === 2, { what: 'two returns' })
    assert.deepEqual(bodies(target.messages), ['a0', 'b0'])
    refuses = false
    await until(() => target.messages.length === 4, { what: 'the rest' })
    assert.deepEqual(bodies(target.messages), ['a0', 'b0', 'a1', 'a2'])
    assert.equal(events.filter(e => e.type === 'dead_lettered').length, 0)
  })

  it('does not count what an earlier link brought and is still on its way', async t => {
    const { promise: sent, resolve: confirm } = Promise.withResolvers<void>()
    const queue = memoryQueue('hold-slow')
    const sink = memoryTarget('hold-slow')
    let first = true
    const { source, events } = await routeOnMemory(t, {
      holdLimit,
      targets: new Map([
        [
          'main',
          {
            ...sink,
            open: async context => {
              const link = await sink.open(context)
              return {
                limits: link.limits,
                closed: link.closed,
                send: async (prepared, signal) => {
                  if (first) {
                    first = false
                    await sent
                  }
                  return link.send(prepared, signal)
                },
                check: signal => link.check(signal),
                close: () => link.close(),
              }
            },
          },
        ],
      ]),
    })
    source.put(message('slow'))
    await until(() => returns(events).length === 1, { what: 'the return' })
    await until(() => queue.messages.length === 1, { what: 'the second delivery' })
    for (let i = 0; i < 20; i++) {
      source.put(message(`${i}`))
      await until(() => queue.messages.length === i + 2, { what: 'the others' })
    }
    confirm()
    await until(() => queue.messages.length === 22, { what: 'the slow one, twice' })
    assert.equal(returns(events).length, 1)
  })

  it('stops at once while it is closed', async t => {
    const { source, target, route, events } = await routeOnMemory(t, { holdLimit })
    target.down = true
    target.failWith = () => new SinkUnavailable('down')
    source.put(message('x'))
    await until(() => returns(events).length === 1, { what: 'the return' })
    const began = performance.now()
    await route.stop(AbortSignal.timeout(5_000))
    assert.ok(performance.now() - began < 1_000)
    assert.deepEqual(bodies(source.messages), ['x'])
  })
})

describe('the wait before a source comes back', () => {
  it('is nothing at first, grows while nothing is finished, and is nothing again after it', async t => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const watch = new HoldWatch()
    const away: number[] = []
    const giveBack = () => {
      watch.begin(
        1_000,
        () => 1_000,
        () => away.push(watch.away),
      )
      t.mock.timers.tick(50)
    }
    for (let i = 0; i < 4; i++) giveBack()
    assert.deepEqual(away, [0, 1_000, 3_000, 3_000])
    watch.settled()
    giveBack()
    assert.equal(away.at(-1), 0)
  })
})
