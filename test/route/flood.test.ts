import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageRefused } from '../../src/core/errors.ts'
import { Flood } from '../../src/route/flood.ts'
import { until } from '../support/until.ts'
import { bodies, deadLetters, message, routeOnMemory } from './route-on-memory.ts'

const options = { share: 0.2, ofLast: 100, atLeast: 20 }
const never = new AbortController().signal
const error = new MessageRefused('missing header tenant')

describe('the watch on dead letters', () => {
  /** What it says after these messages, `x` being a dead letter. */
  const after = async (messages: string) => {
    const flood = new Flood(options, () => {})
    for (const one of messages) {
      if (flood.reason !== undefined) break
      if (one === 'x') assert.ok(await flood.admit(error, assert.fail, never))
      else flood.passed()
    }
    return flood.reason
  }

  it('holds at the share and not below it, of the last messages only', async () => {
    assert.equal(await after('x'.repeat(19)), undefined)
    assert.match(
      (await after('x'.repeat(20)))!,
      /^20 of the last 20 messages .* because: missing header tenant$/,
    )
    assert.equal(await after('....x.....'.repeat(50)), undefined)
    assert.match((await after('.'.repeat(1_000) + 'x'.repeat(20)))!, /^20 of the last 100/)
    assert.equal(await after(`${'x'.repeat(19)}${'.'.repeat(100)}`.repeat(5)), undefined)
  })

  it('lets those that wait go on one by one when it is resumed, and counts anew', async () => {
    const changes: (string | undefined)[] = []
    const flood = new Flood({ share: 1, ofLast: 10, atLeast: 2 }, reason => changes.push(reason))
    let waits = 0
    const admitted: boolean[] = []
    const asked = Array.from({ length: 7 }, () =>
      flood.admit(error, () => void waits++, never).then(ok => admitted.push(ok)),
    )
    await until(() => admitted.length === 2 && waits === 5, { what: 'two' })
    assert.equal(flood.resume(), true)
    await until(() => admitted.length === 4 && flood.reason !== undefined, { what: 'two more' })
    assert.equal(flood.resume(), true)
    assert.equal(flood.resume(), false)
    await until(() => admitted.length === 6, { what: 'the rest' })
    assert.equal(flood.resume(), true)
    await Promise.all(asked)
    assert.deepEqual(admitted, Array(7).fill(true))
    assert.equal(changes.filter(c => c !== undefined).length, 3)
  })
})

describe('a route whose mapping is wrong', () => {
  const wrong = { deadLetterPause: options, mapping: () => Promise.reject(error) }

  it('is held after a few dead letters, says why, and leaves the rest at the broker', async t => {
    const { source, dead, events, route } = await routeOnMemory(t, wrong)
    for (let i = 0; i < 1_000; i++) source.put(message(`${i}`))
    await until(() => events.some(e => e.type === 'paused'), { what: 'the pause' })
    await until(async () => (await deadLetters(dead)).length === 20, { what: 'twenty dead letters' })
    assert.match(route.status().paused!, /^20 of the last 20 .*missing header tenant/)
    const began = performance.now()
    await route.stop(AbortSignal.timeout(10_000))
    assert.ok(performance.now() - began < 1_000, 'stopping must not wait for what is held')
    assert.equal((await deadLetters(dead)).length, 20)
    assert.equal(source.messages.length, 980)
    assert.deepEqual(
      bodies(source.messages),
      Array.from({ length: 980 }, (_, i) => `${i + 20}`),
    )
  })

  it('goes on when it is resumed, with a fresh window', async t => {
    let isWrong = true
    const { source, target, dead, route, events } = await routeOnMemory(t, {
      deadLetterPause: options,
      mapping: m => {
        if (isWrong) throw error
        return m
      },
    })
    for (let i = 0; i < 100; i++) source.put(message(`${i}`))
    await until(() => route.status().paused !== undefined, { what: 'the pause' })
    assert.equal(target.messages.length, 0)
    isWrong = false
    assert.equal(route.resume(), true)
    await until(() => route.status().source.messages === 0 && source.messages.length === 0, {
      what: 'the rest',
    })
    const letters = await deadLetters(dead)
    assert.equal(letters.length + target.messages.length, 100)
    // Those that were held are dead letters: it was decided before.
    assert.ok(letters.length < 40, `${letters.length} dead letters`)
    assert.deepEqual([route.status().paused, route.resume()], [undefined, false])
    assert.deepEqual(
      events.map(e => e.type).filter(type => type === 'paused' || type === 'resumed'),
      ['paused', 'resumed'],
    )
  })

  it('counts neither what expires nor what is carried', async t => {
    const { source, target, route } = await routeOnMemory(t, { ...wrong, mapping: m => m })
    for (let i = 0; i < 300; i++) source.put(message('old', { properties: { expiresAt: 1 } }))
    source.put(message('new'))
    await until(() => target.messages.length === 1, { what: 'the new one' })
    assert.equal(route.status().paused, undefined)
  })
})
