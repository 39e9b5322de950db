import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { TargetSink } from '../../src/route/target.ts'
import { until } from '../support/until.ts'
import { bodies, deadLetters, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i))

/** Good messages, one after the other, until the test ends or `count` were put. */
async function traffic(t: TestContext, put: (body: string) => void, every = 3) {
  let sent = 0
  const timer = setInterval(() => put(`good ${sent++}`), every)
  t.after(() => clearInterval(timer))
  return { stop: () => clearInterval(timer), sent: () => sent }
}

describe('a poison message', () => {
  it('that kills the link of its target each time is found while others pass, and they all arrive', async t => {
    const { source, target, dead, route } = await routeOnMemory(t)
    target.failWith = m => {
      if (bodies([m])[0] !== 'poison') return undefined
      target.cut()
      return new LinkLost('the broker closed the connection')
    }
    for (const body of [...numbered(20), 'poison', ...numbered(20)]) source.put(message(body))
    const good = await traffic(t, body => source.put(message(body)))
    await until(async () => (await deadLetters(dead)).length === 1, {
      what: 'the dead letter',
      timeout: 30_000,
    })
    good.stop()
    await until(() => route.status().source.messages === 0 && source.messages.length === 0, {
      what: 'the rest',
    })
    const letters = await deadLetters(dead)
    assert.deepEqual(
      letters.map(l => bodies([l.message])[0]),
      ['poison'],
    )
    assert.match(
      letters[0]!.reason,
      /connection to the target was lost each of the \d+ times .* closed the connection/,
    )
    assert.ok(letters[0]!.attempts >= 5, `${letters[0]!.attempts} attempts`)
    assert.equal(letters[0]!.target, 'main')
    assert.equal(new Set(bodies(target.messages)).size, 20 + good.sent())
  })

  it('is never found in an outage: a target that takes nothing and dies of everything', async t => {
    const { source, target, dead } = await routeOnMemory(t)
    let kills = 0
    target.failWith = () => {
      kills++
      target.cut()
      return new LinkLost('gone')
    }
    for (const body of numbered(30)) source.put(message(body))
    await until(() => kills > 40, { what: 'forty deaths', timeout: 30_000 })
    assert.deepEqual(await deadLetters(dead), [])
    target.failWith = undefined
    await until(() => new Set(bodies(target.messages)).size === 30, { what: 'all' })
    assert.deepEqual(await deadLetters(dead), [])
  })

  for (const end of ['target', 'source'] as const) {
    for (const latency of [0, 12]) {
      it(`is none of those on their way while the link of the ${end} comes and goes, at ${latency} ms each`, async t => {
        const name = `comes-and-goes-${end}-${latency}`
        const slow: TargetSink = {
          ...memoryTarget(name),
          open: async context => {
            const link = await memoryTarget(name).open(context)
            const send: typeof link.send = async (prepared, signal) => {
              await sleep(latency)
              return link.send(prepared, signal)
            }
            return {
              limits: link.limits,
              closed: link.closed,
              close: () => link.close(),
              check: s => link.check(s),
              send,
            }
          },
        }
        const { source, dead } = await routeOnMemory(t, { targets: new Map([['main', slow]]) })
        const target = memoryQueue(name)
        for (const body of numbered(4_000)) source.put(message(body))
        for (let i = 0; i < 100; i++) {
          await sleep(Math.random() * 15)
          ;(end === 'target' ? target : source).cut()
        }
        await until(() => new Set(bodies(target.messages)).size === 4_000, { what: 'all', timeout: 30_000 })
        assert.deepEqual(await deadLetters(dead), [])
      })
    }
  }

  for (const nameless of [false, true]) {
    it(`that kills the link of its source each time is found, ${nameless ? 'without' : 'with'} an id of the broker's`, async t => {
      const { source, target, dead, route } = await routeOnMemory(t, { nameless })
      target.failWith = m => {
        if (bodies([m])[0] === 'poison') source.cut()
        return undefined
      }
      for (const body of [...numbered(30), 'poison', ...numbered(30)]) source.put(message(body))
      await until(async () => (await deadLetters(dead)).length === 1, {
        what: 'the dead letter',
        timeout: 30_000,
      })
      await until(() => route.status().source.messages === 0 && source.messages.length === 0, {
        what: 'the rest',
      })
      const [letter] = await deadLetters(dead)
      assert.equal(bodies([letter!.message])[0], 'poison')
      assert.match(letter!.reason, /connection to the source was lost \d+ times soon after this message/)
      assert.deepEqual(new Set(bodies(target.messages)), new Set([...numbered(30), 'poison']))
      source.put(message('after'))
      await until(() => bodies(target.messages).includes('after'), { what: 'what comes after' })
      assert.equal((await deadLetters(dead)).length, 1)
    })
  }

  it('keeps its attempts when its delivery is lost between them', async t => {
    const { source, target, dead } = await routeOnMemory(t, { retry: { initial: 1, max: 2, maxAttempts: 6 } })
    let tries = 0
    target.failWith = m => {
      if (bodies([m])[0] !== 'bug') return undefined
      if (++tries % 3 === 0) source.cut()
      return new TypeError('x is not a function')
    }
    source.put(message('bug'))
    await traffic(t, body => source.put(message(body)))
    await until(async () => (await deadLetters(dead)).length === 1, { what: 'the dead letter' })
    const [letter] = await deadLetters(dead)
    assert.equal(letter!.kind, 'unexpected')
    // The sixth may have been the last of a delivery that was lost.
    assert.ok(tries <= 8 && letter!.attempts >= 6, `${letter!.attempts} attempts of ${tries}`)
  })

  it('is not one that its broker has delivered often, because of outages', async t => {
    const { source, target, dead } = await routeOnMemory(t)
    target.failWith = () => new SinkUnavailable('down')
    source.put(message('often'))
    for (let i = 0; i < 50; i++) {
      await until(() => source.messages.length === 0, { what: 'a delivery' })
      source.cut()
    }
    target.failWith = undefined
    await until(() => target.messages.length === 1, { what: 'the message' })
    assert.deepEqual(await deadLetters(dead), [])
  })
})

describe('a message with which the link of its source died again and again', () => {
  it('stops nobody behind it while its group is held', async t => {
    const { source, target, route, events } = await routeOnMemory(t, {
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    const held = () => events.filter(e => e.type === 'group_held').length
    target.failWith = m => (bodies([m])[0] === 'A0' ? new MessageRefused('no') : undefined)
    for (const body of ['A0', 'A1']) source.put(message(body, { properties: { groupId: 'A' } }))
    for (let cuts = 0; cuts < 2; cuts++) {
      await until(() => held() === cuts + 1 && route.status().source.messages === 2, {
        what: 'the held group',
      })
      source.cut()
    }
    source.put(message('B0', { properties: { groupId: 'B' } }))
    await until(() => target.messages.length === 1, { what: 'the other group' })
    assert.deepEqual(bodies(target.messages), ['B0'])
  })

  it('is sent all the same where that link never lives for long', async t => {
    const { source, target, dead } = await routeOnMemory(t)
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(3)) source.put(message(body))
    let cuts = 0
    const cutting = setInterval(() => {
      source.cut()
      if (++cuts === 5) target.failWith = undefined
    }, 60)
    t.after(() => clearInterval(cutting))
    await until(() => new Set(bodies(target.messages)).size === 3, { what: 'all' })
    assert.deepEqual(await deadLetters(dead), [])
  })
})
