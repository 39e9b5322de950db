import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import {
  bodies,
  deadFiles,
  deadLetters,
  folderPlace,
  memoryTarget,
  message,
  routeOnMemory,
} from './route-on-memory.ts'

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i))

describe('route', () => {
  it('carries every message once and settles it only after the target confirmed', async t => {
    const { source, target, route } = await routeOnMemory(t)
    for (const body of numbered(500)) source.put(message(body))
    await until(() => target.messages.length === 500, { what: '500 messages' })
    assert.deepEqual(bodies(target.messages), numbered(500))
    await until(() => route.status().source.messages === 0, { what: 'all settled' })
    assert.equal(source.messages.length, 0)
  })

  it('begins with one message and doubles', async t => {
    const { source, target, events } = await routeOnMemory(t, { prefetch: 64 })
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(100)) source.put(message(body))
    await until(() => events.some(e => e.type === 'send_failed'), { what: 'a failed send' })
    assert.equal(events.filter(e => e.type === 'received').length, 1)
    target.failWith = undefined
    await until(() => target.messages.length === 100, { what: 'all' })
  })

  it('never holds more than the buffer may, in messages and in bytes', async t => {
    const { source, target, route } = await routeOnMemory(t, {
      prefetch: 1000,
      buffer: { maxMessages: 50, maxBytes: 10_000 },
    })
    for (let i = 0; i < 400; i++) source.put(message(i < 300 ? 'x' : 'x'.repeat(1_000)))
    let most = { messages: 0, bytes: 0 }
    target.failWith = () => {
      const { messages, bytes } = route.status().source
      most = { messages: Math.max(most.messages, messages), bytes: Math.max(most.bytes, bytes) }
      return undefined
    }
    await until(() => target.messages.length === 400, { what: 'all' })
    assert.ok(most.messages <= 50 && most.messages > 20, `held ${most.messages} messages`)
    // What was granted before the first large message came cannot be foreseen.
    assert.ok(most.bytes <= 60_000, `held ${most.bytes} bytes`)
  })

  it('waits while the target is down, opens the breaker once a call, and loses nothing', async t => {
    const { source, target, events, dead } = await routeOnMemory(t)
    for (const body of numbered(50)) source.put(message(body))
    await until(() => target.messages.length === 50, { what: 'the first 50' })
    target.failWith = () => new SinkUnavailable('throttled')
    for (const body of numbered(50)) source.put(message(body))
    await until(() => events.some(e => e.type === 'breaker' && e.state === 'open'), {
      what: 'an open breaker',
    })
    target.failWith = undefined
    await until(() => target.messages.length === 100, { what: 'all' })
    assert.ok(events.some(e => e.type === 'breaker' && e.state === 'closed'))
    assert.deepEqual(await readdir(dead), [])
  })

  it('dead-letters a refused message with its reason and goes on', async t => {
    const { source, target, dead, name } = await routeOnMemory(t)
    target.failWith = m => (bodies([m])[0] === '7' ? new MessageRefused('seven is not taken') : undefined)
    for (const body of numbered(20)) source.put(message(body))
    await until(() => target.messages.length === 19, { what: 'the other 19' })
    await until(async () => (await deadFiles(dead)).length === 1, { what: 'the dead letter' })
    const [letter] = await deadLetters(dead)
    assert.equal(letter?.reason, 'seven is not taken')
    assert.deepEqual([letter?.route, letter?.target, letter?.attempts], [name, 'main', 1])
    assert.deepEqual(bodies([letter!.message]), ['7'])
  })

  it('tries a message that fails unexpectedly a few times, then dead-letters it with its stack', async t => {
    const { source, target, dead } = await routeOnMemory(t)
    let tries = 0
    target.failWith = m => {
      if (bodies([m])[0] !== 'bug') return undefined
      tries++
      return new TypeError('x is not a function')
    }
    source.put(message('bug'))
    for (const body of numbered(20)) source.put(message(body))
    await until(async () => (await deadFiles(dead)).length === 1, { what: 'the dead letter' })
    const [letter] = await deadLetters(dead)
    assert.equal(tries, 3)
    assert.equal(letter?.kind, 'unexpected')
    assert.match(letter?.stack ?? '', /TypeError/)
    await until(() => target.messages.length === 20, { what: 'the others' })
  })

  it('survives a throw in the mapping: the message dies, ten thousand later ones flow', async t => {
    const { source, target, dead } = await routeOnMemory(t, {
      mapping: m => {
        if (bodies([m])[0] === 'bad') throw new RangeError('a bug in the mapping')
        return m
      },
    })
    source.put(message('bad'))
    for (let i = 0; i < 10_000; i++) source.put(message('good'))
    await until(() => target.messages.length === 10_000, { what: '10,000 later messages', timeout: 20_000 })
    await until(async () => (await deadFiles(dead)).length === 1, { what: 'the dead letter' })
  })

  it('settles what the mapping drops, without sending it', async t => {
    const { source, target, events } = await routeOnMemory(t, {
      mapping: m => (bodies([m])[0] === 'heartbeat' ? undefined : m),
    })
    source.put(message('heartbeat'))
    source.put(message('order'))
    await until(() => target.messages.length === 1, { what: 'the order' })
    assert.deepEqual(bodies(target.messages), ['order'])
    await until(() => events.filter(e => e.type === 'settled').length === 2, { what: 'both settled' })
  })

  it('loses nothing when the source is cut again and again', async t => {
    const { source, target } = await routeOnMemory(t, { prefetch: 50 })
    for (const body of numbered(2_000)) source.put(message(body))
    for (let cut = 1; cut <= 5; cut++) {
      await until(() => new Set(bodies(target.messages)).size >= cut * 300, { what: `${cut * 300} messages` })
      source.cut()
    }
    await until(() => new Set(bodies(target.messages)).size === 2_000, { what: 'all 2,000', timeout: 20_000 })
  })

  it('gives a message that is delivered again the id it had', async t => {
    const { source, target } = await routeOnMemory(t)
    const ids = new Set<string | undefined>()
    let cuts = 0
    target.failWith = m => {
      ids.add(m.properties.deduplicationId)
      if (cuts++ < 3) source.cut()
      return undefined
    }
    source.put(message('one'))
    await until(() => source.messages.length === 0 && target.messages.length >= 2, {
      what: 'a second delivery',
    })
    assert.equal(ids.size, 1)
  })

  it('goes on when the link of the target is cut', async t => {
    const { source, target, events } = await routeOnMemory(t)
    for (const body of numbered(300)) source.put(message(body))
    await until(() => target.messages.length > 50, { what: 'some' })
    target.cut()
    await until(() => new Set(bodies(target.messages)).size === 300, { what: 'all' })
    assert.ok(events.some(e => e.type === 'link_down' && e.link === 'main' && e.error instanceof LinkLost))
  })

  it('keeps the order of a group while one of its messages is tried again', async t => {
    const { source, target } = await routeOnMemory(t, { fifo: true })
    let failures = 0
    target.failWith = m => (bodies([m])[0] === 'a3' && failures++ < 4 ? new Error('now and then') : undefined)
    for (let i = 0; i < 10; i++) {
      source.put(message(`a${i}`, { properties: { groupId: 'a' } }))
      source.put(message(`b${i}`, { properties: { groupId: 'b' } }))
    }
    await until(() => target.messages.length >= 19, { what: 'all' })
    const arrived = bodies(target.messages)
    assert.deepEqual(
      arrived.filter(b => b.startsWith('b')),
      numbered(10).map(n => `b${n}`),
    )
    const a = arrived.filter(b => b.startsWith('a'))
    assert.deepEqual(a, [...a].sort())
  })

  it('sends to several targets and settles when each has it', async t => {
    const other = memoryQueue('several-other')
    const { source, route } = await routeOnMemory(t, {
      targets: new Map([
        ['one', memoryTarget('several-one')],
        ['other', memoryTarget('several-other')],
      ]),
    })
    other.failWith = () => new SinkUnavailable('down')
    source.put(message('x'))
    await until(() => memoryQueue('several-one').messages.length === 1, { what: 'the healthy target' })
    assert.equal(route.status().source.messages, 1)
    other.failWith = undefined
    await until(() => route.status().source.messages === 0, { what: 'the end' })
    assert.equal(memoryQueue('several-one').messages.length, 1)
    assert.equal(other.messages.length, 1)
  })

  it('takes the next dead-letter place when the first refuses or is down, and waits when all are down', async t => {
    const first = memoryQueue('dead-first')
    const second = memoryQueue('dead-second')
    first.failWith = () => new MessageRefused('too large')
    second.failWith = () => new SinkUnavailable('down')
    const places = ['dead-first', 'dead-second'].map(name => ({ name, sink: memoryTarget(name) }))
    const { source, target, route, events } = await routeOnMemory(t, { deadLetters: places })
    target.failWith = () => new MessageRefused('no')
    source.put(message('x'))
    await until(() => events.filter(e => e.type === 'dead_letter_failed').length >= 4, {
      what: 'both tried twice',
    })
    assert.equal(route.status().source.messages, 1)
    second.failWith = undefined
    await until(() => second.messages.length === 1 && route.status().source.messages === 0, {
      what: 'the second place',
    })
  })

  it('holds up none behind a dead letter that waits for a place, be it the very first message', async t => {
    const place = memoryQueue('dead-away')
    place.failWith = () => new SinkUnavailable('down')
    const { source, target, route } = await routeOnMemory(t, {
      deadLetters: [{ name: 'dead-away', sink: memoryTarget('dead-away') }],
      prefetch: 20,
    })
    target.failWith = m => (bodies([m])[0]!.startsWith('bad') ? new MessageRefused('no') : undefined)
    for (const body of ['bad 1', 'bad 2', 'bad 3', ...numbered(50)]) source.put(message(body))
    await until(() => target.messages.length === 50, { what: 'the good ones' })
    assert.equal(route.status().source.messages, 3)
    place.failWith = undefined
    await until(() => place.messages.length === 3 && route.status().source.messages === 0, {
      what: 'the dead letters',
    })
  })

  it("rejects at the source where the dead letter is the broker's own", async t => {
    const { source, target } = await routeOnMemory(t, { deadLetters: [{ name: 'broker', rejects: true }] })
    target.failWith = () => new MessageRefused('no')
    source.put(message('x'))
    await until(() => source.dead.length === 1, { what: 'the broker to have it' })
  })

  it('finishes what is here when it is stopped, and takes no more', async t => {
    const { source, target, route } = await routeOnMemory(t)
    for (const body of numbered(5_000)) source.put(message(body))
    await until(() => target.messages.length > 200, { what: 'a start' })
    await route.stop(AbortSignal.timeout(5_000))
    assert.equal(target.messages.length + source.messages.length, 5_000)
    assert.deepEqual(bodies([...target.messages, ...source.messages]), numbered(5_000))
  })

  it('gives back what it could not finish by the deadline', async t => {
    const { source, target, route } = await routeOnMemory(t)
    for (const body of numbered(100)) source.put(message(body))
    await until(() => target.messages.length === 100, { what: 'a wide window' })
    target.failWith = () => new SinkUnavailable('down')
    for (const body of numbered(50)) source.put(message(body))
    await until(() => route.status().source.messages === 50, { what: 'the buffer to fill' })
    await route.stop(AbortSignal.timeout(50))
    assert.deepEqual(bodies(source.messages), numbered(50))
  })

  it('stops at once when nothing is here, although the target is down', async t => {
    const { target, route, events } = await routeOnMemory(t)
    await until(() => events.some(e => e.type === 'link_up' && e.link === 'source'), { what: 'a start' })
    target.down = true
    target.cut()
    await until(() => events.some(e => e.type === 'link_down' && e.link === 'main'), { what: 'the cut' })
    const began = performance.now()
    await route.stop(AbortSignal.timeout(5_000))
    assert.ok(performance.now() - began < 1_000)
  })

  it('keeps the order of messages that waited for a target to open for the first time', async t => {
    const late = memoryQueue('late-target')
    late.down = true
    const { source, route, events } = await routeOnMemory(t, {
      mapping: m => (bodies([m])[0] === 'dropped' ? undefined : m),
      targets: new Map([
        ['early', memoryTarget('early-target')],
        ['late', memoryTarget('late-target', { fifo: true })],
      ]),
    })
    const put = (n: number) => source.put(message(String(n), { properties: { groupId: 'g' } }))
    const early = memoryQueue('early-target')
    for (let i = 0; i < 60; i++) source.put(message('dropped'))
    await until(() => events.filter(e => e.type === 'settled').length === 60, { what: 'a wide window' })
    for (let n = 0; n < 4; n++) put(n)
    await until(() => early.messages.length === 4, { what: 'the early target' })
    // Nobody can send now, so what comes waits in the buffer and is taken the moment the late target opens.
    early.down = true
    early.cut()
    for (let n = 4; n < 50; n++) put(n)
    late.down = false
    await until(() => late.messages.length > 0, { what: 'the late target' })
    early.down = false
    await until(() => late.messages.length === 50 && route.status().source.messages === 0, { what: 'all' })
    assert.deepEqual(bodies(late.messages), numbered(50))
  })

  it('goes on after an outage although a dead letter still waits for its place', async t => {
    const place = memoryQueue('no-place')
    place.failWith = () => new SinkUnavailable('down')
    const { source, target, events } = await routeOnMemory(t, {
      deadLetters: [{ name: 'place', sink: memoryTarget('no-place') }],
      mapping: m => {
        if (bodies([m])[0] === 'bad') throw new MessageRefused('no')
        return m
      },
    })
    for (const body of numbered(30)) source.put(message(body))
    await until(() => target.messages.length === 30, { what: 'a start' })
    target.failWith = () => new SinkUnavailable('down')
    source.put(message('bad'))
    for (const body of numbered(30)) source.put(message(body))
    await until(() => events.some(e => e.type === 'breaker' && e.state === 'open'), {
      what: 'an open breaker',
    })
    source.cut()
    target.failWith = undefined
    await until(() => target.messages.length >= 60, { what: 'the others' })
  })

  it('holds the message when no dead-letter place can be opened', async t => {
    const { source, target, route, events } = await routeOnMemory(t, {
      deadLetters: [folderPlace('/dev/null/not-a-folder')],
    })
    target.failWith = () => new MessageRefused('no')
    source.put(message('x'))
    await until(() => events.some(e => e.type === 'dead_letter_failed'), {
      what: 'the failure',
      timeout: 10_000,
    })
    assert.equal(route.status().source.messages, 1)
    assert.equal(source.dead.length, 0)
  })
})
