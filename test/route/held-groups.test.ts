import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

const holding = { ordering: 'by_group', onRefused: 'hold_group' } as const
const ofGroup = (body: string, more = ''): Message =>
  message(`${body}${more}`, { properties: { groupId: body[0]! } })
const refuses =
  (...bad: readonly string[]) =>
  (m: Message) =>
    bad.includes(bodies([m])[0]!.slice(0, 2)) ? new MessageRefused('no') : undefined
const others = 'BCDEF'

let names = 0

describe('held groups', () => {
  it('leave room for the others when they are few and large', async t => {
    const { source, target, events } = await routeOnMemory(t, {
      order: holding,
      buffer: { maxMessages: 1_000, maxBytes: 2 ** 20 },
    })
    target.failWith = refuses('A0')
    for (let i = 0; i < 20; i++) source.put(ofGroup(`A${i}`, 'x'.repeat(100_000)))
    for (const group of others) source.put(ofGroup(`${group}0`))
    await until(() => target.messages.length === others.length, { what: 'the other groups' })
    assert.ok(events.some(e => e.type === 'group_parked' && e.group === 'A'))
  })

  it('leave room for the others when two targets hold one each', async t => {
    const name = `held-${++names}`
    const [one, two] = [memoryQueue(`${name}-1`), memoryQueue(`${name}-2`)]
    one.failWith = refuses('A0')
    two.failWith = refuses('B0')
    const targets = new Map([
      ['one', memoryTarget(`${name}-1`)],
      ['two', memoryTarget(`${name}-2`)],
    ])
    const { source } = await routeOnMemory(t, { order: holding, prefetch: 20, targets })
    for (let i = 0; i < 30; i++) for (const group of 'AB') source.put(ofGroup(`${group}${i}`))
    for (const group of 'CDE') source.put(ofGroup(`${group}0`))
    const arrived = (queue: typeof one) => bodies(queue.messages).filter(b => /^[CDE]/.test(b)).length
    await until(() => arrived(one) === 3 && arrived(two) === 3, { what: 'the other groups at both' })
  })

  it('are those of the sink, also for messages that it does not take', async t => {
    const sink = memoryTarget(`held-${++names}`)
    const queue = memoryQueue(`held-${names}`)
    const { source } = await routeOnMemory(t, {
      order: holding,
      targets: new Map([
        [
          'main',
          {
            ...sink,
            // A group for those without one, as FIFO queues have it.
            orderGroup: m => m.properties.groupId ?? 'all',
            prepare: (limits, m) => {
              if (bodies([m])[0] === '1') throw new MessageRefused('too large')
              return sink.prepare(limits, m)
            },
          },
        ],
      ]),
    })
    for (const body of ['0', '1', '2', '3']) source.put(message(body))
    source.put(ofGroup('B0'))
    await until(() => queue.messages.length === 2, { what: 'the first, and the other group' })
    assert.deepEqual(bodies(queue.messages).sort(), ['0', 'B0'])
  })

  it('are those of the mapped message when its address comes to nothing', async t => {
    const sink = memoryTarget(`held-${++names}`)
    const queue = memoryQueue(`held-${names}`)
    const { source } = await routeOnMemory(t, {
      order: holding,
      mapping: m => ({ ...m, properties: { ...m.properties, groupId: bodies([m])[0]![0]! } }),
      targets: new Map([
        [
          'main',
          {
            ...sink,
            address: async m => {
              if (bodies([m])[0] === 'A1') throw new MessageRefused('comes to nothing')
              return m
            },
          },
        ],
      ]),
    })
    for (const body of ['A0', 'A1', 'A2', 'B0']) source.put(message(body))
    await until(() => queue.messages.length === 2, { what: 'A0 and B0' })
    assert.deepEqual(bodies(queue.messages).sort(), ['A0', 'B0'])
  })

  it('keep no good message behind a bad one that came later, when the target opens late', async t => {
    const sink = memoryTarget(`held-${++names}`)
    const queue = memoryQueue(`held-${names}`)
    queue.down = true
    const { source, route } = await routeOnMemory(t, {
      order: holding,
      targets: new Map([
        ['there', memoryTarget(`held-${names}-there`)],
        [
          'late',
          {
            ...sink,
            address: m => {
              if (bodies([m])[0] === 'A1') throw new MessageRefused('comes to nothing')
              return m
            },
          },
        ],
      ]),
    })
    source.put(ofGroup('A0'))
    await until(() => memoryQueue(`held-${names}-there`).messages.length === 1, { what: 'A0 at the one' })
    source.put(ofGroup('A1'))
    await until(() => route.status().source.messages === 2, { what: 'both here' })
    queue.down = false
    await until(() => queue.messages.length === 1, { what: 'A0 at the other' })
    assert.deepEqual(bodies(queue.messages), ['A0'])
  })

  it('go to the dead letter in their order, also when its place fails for one', async t => {
    const dead = `held-${++names}-dead`
    const place = memoryQueue(dead)
    let failed = 0
    place.failWith = () => (failed++ === 0 ? new SinkUnavailable('not now') : undefined)
    const { source, target } = await routeOnMemory(t, {
      order: holding,
      prefetch: 10,
      deadLetters: [{ name: 'queue', sink: memoryTarget(dead) }],
    })
    target.failWith = refuses('A0')
    for (let i = 0; i < 20; i++) source.put(ofGroup(`A${i}`))
    await until(() => place.messages.length === 20, { what: '20 dead letters' })
    const stored = place.messages.map(m => bodies([readRecord(bodies([m])[0]!).message])[0])
    assert.deepEqual(
      stored,
      Array.from({ length: 20 }, (_, i) => `A${i}`),
    )
  })
})

describe('a route', () => {
  it('survives an expiry that is no whole number', async t => {
    const { source, target } = await routeOnMemory(t, { request: m => m })
    source.put(message('x', { properties: { expiresAt: Date.now() + 60_000.5 } }))
    source.put(message('y', { properties: { expiresAt: Number.NaN } }))
    source.put(message('z'))
    await until(() => target.messages.length >= 2, { what: 'the messages' })
  })

  it('writes a record with an id of its own for each target that did not take a message', async t => {
    const name = `held-${++names}`
    for (const n of [1, 2]) memoryQueue(`${name}-${n}`).failWith = () => new MessageRefused('no')
    const targets = new Map([
      ['one', memoryTarget(`${name}-1`)],
      ['two', memoryTarget(`${name}-2`)],
    ])
    const place = memoryQueue(`${name}-dead`)
    const deadLetters = [{ name: 'queue', sink: memoryTarget(`${name}-dead`) }]
    const { source } = await routeOnMemory(t, { targets, deadLetters })
    source.put(message('x'))
    await until(() => place.messages.length === 2, { what: 'two records' })
    assert.equal(new Set(place.messages.map(m => m.properties.deduplicationId)).size, 2)
  })
})
