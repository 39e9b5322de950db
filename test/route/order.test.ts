import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { until } from '../support/until.ts'
import { bodies, message, routeOnMemory } from './route-on-memory.ts'

/** `A1` is the first of the group A. */
const ofGroup = (body: string): Message => message(body, { properties: { groupId: body[0]! } })

/** `A0 B0 … A1 B1 …`, so that each group is spread over all. */
const interleaved = (groups: string, each: number): string[] =>
  Array.from({ length: each }, (_, i) => [...groups].map(group => `${group}${i}`)).flat()

/** The bodies of one group as they arrived, each the first time. */
const arrived = (messages: readonly Message[], group: string): string[] => [
  ...new Set(bodies(messages).filter(body => body.startsWith(group))),
]

const inOrder = (group: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${group}${i}`)

/** Fails each message now and then, for a reason of the target. */
function flaky(every: number) {
  let calls = 0
  return () => (++calls % every === 0 ? new SinkUnavailable('throttled') : undefined)
}

const deadCount = async (folder: string) =>
  (await readdir(folder)).filter(file => !file.startsWith('.')).length

describe('an ordered route', () => {
  it('keeps each group in order through failing sends, an open breaker and lost deliveries', async t => {
    const { source, target, events } = await routeOnMemory(t, {
      order: { ordering: 'by_group', onRefused: 'continue' },
    })
    target.failWith = flaky(7)
    for (const body of interleaved('ABCDE', 200)) source.put(ofGroup(body))
    for (let cut = 1; cut <= 4; cut++) {
      await until(() => target.messages.length >= cut * 200, { what: `${cut * 200} messages` })
      source.cut()
      if (cut === 2) {
        target.failWith = () => new SinkUnavailable('down')
        await until(() => events.some(e => e.type === 'breaker' && e.state === 'open'), {
          what: 'an open breaker',
        })
        target.failWith = flaky(5)
      }
    }
    for (const group of 'ABCDE') {
      await until(() => arrived(target.messages, group).length === 200, { what: `200 of ${group}` })
      assert.deepEqual(arrived(target.messages, group), inOrder(group, 200))
    }
  })

  it('sends the messages of different groups side by side', async t => {
    const { source, target } = await routeOnMemory(t, {
      order: { ordering: 'by_group', onRefused: 'continue' },
    })
    // A link begins with one message at a time.
    for (const body of inOrder('C', 20)) source.put(ofGroup(body))
    await until(() => target.messages.length === 20, { what: 'a window for more' })
    target.failWith = m => (bodies([m])[0]!.startsWith('A') ? new SinkUnavailable('not for A') : undefined)
    for (const body of interleaved('AB', 5)) source.put(ofGroup(body))
    await until(() => arrived(target.messages, 'B').length === 5, { what: 'all of B' })
    assert.deepEqual(arrived(target.messages, 'A'), [])
    target.failWith = undefined
    await until(() => target.messages.length === 30, { what: 'all' })
    assert.deepEqual(arrived(target.messages, 'A'), inOrder('A', 5))
  })

  it('with ordering: strict keeps all in order, whatever their group', async t => {
    const { source, target } = await routeOnMemory(t, {
      order: { ordering: 'strict', onRefused: 'continue' },
    })
    target.failWith = flaky(3)
    const all = interleaved('ABC', 50)
    for (const body of all) source.put(ofGroup(body))
    await until(() => target.messages.length >= 40, { what: '40 messages' })
    source.cut()
    await until(() => new Set(bodies(target.messages)).size === 150, { what: 'all' })
    assert.deepEqual([...new Set(bodies(target.messages))], all)
  })

  it('goes on behind a refused message with on_refused: continue', async t => {
    const { source, target, dead } = await routeOnMemory(t, {
      order: { ordering: 'by_group', onRefused: 'continue' },
    })
    target.failWith = m => (bodies([m])[0] === 'A1' ? new MessageRefused('no') : undefined)
    for (const body of interleaved('A', 5)) source.put(ofGroup(body))
    await until(() => target.messages.length === 4, { what: 'the others' })
    assert.deepEqual(bodies(target.messages), ['A0', 'A2', 'A3', 'A4'])
    await until(async () => (await deadCount(dead)) === 1, { what: 'the dead letter' })
  })

  for (const how of ['by the target', 'by the mapping'] as const) {
    it(`with on_refused: hold_group holds the group of a message refused ${how}, and no other`, async t => {
      const isBad = (m: Message) => bodies([m])[0] === 'A0'
      const { source, target, route, dead, events } = await routeOnMemory(t, {
        order: { ordering: 'by_group', onRefused: 'hold_group' },
        ...(how === 'by the mapping' && {
          mapping: (m: Message) => {
            if (isBad(m)) throw new MessageRefused('no')
            return m
          },
        }),
      })
      if (how === 'by the target') target.failWith = m => (isBad(m) ? new MessageRefused('no') : undefined)
      for (const body of interleaved('ABC', 15)) source.put(ofGroup(body))
      await until(() => target.messages.length === 30, { what: 'all of B and C' })
      assert.deepEqual(arrived(target.messages, 'A'), [])
      assert.equal(route.status().targets.main!.groupsHeld, 1)
      assert.ok(events.some(e => e.type === 'group_held' && e.group === 'A'))
      await route.stop(AbortSignal.timeout(1_000))
      assert.equal(await deadCount(dead), 0)
      assert.deepEqual(bodies(source.messages), inOrder('A', 15))
    })
  }

  it('parks a group that takes too much room: dead letters in its order, and the others go on', async t => {
    const { source, target, dead, events } = await routeOnMemory(t, {
      prefetch: 20,
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    target.failWith = m => (bodies([m])[0] === 'A0' ? new MessageRefused('no') : undefined)
    for (const body of inOrder('A', 40)) source.put(ofGroup(body))
    for (const body of inOrder('B', 40)) source.put(ofGroup(body))
    await until(() => target.messages.length === 40, { what: 'all of B' })
    assert.deepEqual(bodies(target.messages), inOrder('B', 40))
    assert.ok(events.some(e => e.type === 'group_parked' && e.group === 'A'))
    await until(async () => (await deadCount(dead)) === 40, { what: 'all of A among the dead letters' })
  })

  it('holds everything behind a refused message where the order is strict', async t => {
    const { source, target, route, dead } = await routeOnMemory(t, {
      prefetch: 10,
      order: { ordering: 'strict', onRefused: 'hold_group' },
    })
    target.failWith = m => (bodies([m])[0] === 'A3' ? new MessageRefused('no') : undefined)
    for (const body of inOrder('A', 40)) source.put(ofGroup(body))
    await until(() => route.status().source.messages === 10, { what: 'a full prefetch' })
    await until(() => route.status().targets.main!.groupsHeld === 1, { what: 'a held group' })
    assert.deepEqual(bodies(target.messages), inOrder('A', 3))
    assert.equal(await deadCount(dead), 0)
  })
})
