import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { trail } from '../../src/route/trail.ts'
import { until } from '../support/until.ts'
import { message, routeOnMemory } from './route-on-memory.ts'

const passed = (routes: string) => message('x', { properties: { trail: routes } })
const options = { bridge: 'b', maxHops: 3, loop: 'dead_letter' } as const

describe('the trail', () => {
  it('names the routes that a message has come through, oldest first', () => {
    const first = trail(options, 'one')(message('x'))
    assert.equal(first?.properties.trail, 'b/one')
    assert.equal(trail(options, 'two')(first!)?.properties.trail, 'b/one b/two')
  })

  it('refuses a message that comes back, and names the routes', () => {
    assert.throws(() => trail(options, 'one')(passed('b/one b/two')), {
      name: 'MessageRefused',
      message: /came back to the route one.*b\/one b\/two/,
    })
  })

  it('drops it where loops are dropped', () => {
    assert.equal(trail({ ...options, loop: 'drop' }, 'one')(passed('b/one b/two')), undefined)
  })

  it('takes a route of another bridge for another route', () => {
    assert.equal(trail(options, 'one')(passed('other/one'))?.properties.trail, 'other/one b/one')
  })

  it('refuses a message that has passed too many routes, be loops dropped or not', () => {
    const message = /has passed 3 routes and max_hops is 3/
    for (const loop of ['dead_letter', 'drop'] as const) {
      assert.throws(() => trail({ ...options, loop }, 'four')(passed('b/one b/two b/three')), { message })
    }
    assert.ok(trail({ ...options, maxHops: 4 }, 'four')(passed('b/one b/two b/three')))
  })
})

describe('a route', () => {
  it('dead-letters what comes back to it, and counts what it drops', async t => {
    const looping = await routeOnMemory(t)
    looping.source.put(passed(`test/${looping.name}`))
    looping.source.put(message('fine'))
    await until(() => looping.target.messages.length === 1, { what: 'the other one' })
    const letters = async () => (await readdir(looping.dead)).filter(file => !file.startsWith('.'))
    await until(async () => (await letters()).length === 1, { what: 'the dead letter' })
    const letter = readRecord(await readFile(join(looping.dead, (await letters())[0]!), 'utf8'))
    assert.match(letter.reason, /came back/)

    const mirror = await routeOnMemory(t, { trail: { bridge: 'test', maxHops: 16, loop: 'drop' } })
    mirror.source.put(passed(`test/${mirror.name}`))
    mirror.source.put(message('fine'))
    await until(() => mirror.target.messages.length === 1, { what: 'the other one' })
    await until(() => mirror.events.filter(e => e.type === 'settled').length === 2, { what: 'both settled' })
    assert.equal(mirror.events.filter(e => e.type === 'looped').length, 1)
    assert.deepEqual((await readdir(mirror.dead)).length, 0)
  })

  it('keeps a message in its dead letter as it came, without the entry of this route', async t => {
    const { source, dead } = await routeOnMemory(t, {
      mapping: () => {
        throw new Error('a bug')
      },
    })
    source.put(passed('b/one'))
    const letters = async () => (await readdir(dead)).filter(file => !file.startsWith('.'))
    await until(async () => (await letters()).length === 1, { what: 'the dead letter' })
    const { message: kept } = readRecord(await readFile(join(dead, (await letters())[0]!), 'utf8'))
    assert.equal(kept.properties.trail, 'b/one')
  })
})
