import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { compileAddress } from '../../src/route/mapping/address.ts'
import { compileMapping, type Rule } from '../../src/route/mapping/mapping.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

let names = 0

/** Two targets, the second with rules of its own, and a queue for dead letters. */
function targetsWith(rules: readonly Rule[]) {
  const name = `mapped-${++names}`
  const [plain, own, dead] = ['plain', 'own', 'dead'].map(n => memoryQueue(`${name}-${n}`)) as [
    ReturnType<typeof memoryQueue>,
    ReturnType<typeof memoryQueue>,
    ReturnType<typeof memoryQueue>,
  ]
  const targets = new Map([
    ['plain', memoryTarget(`${name}-plain`)],
    ['own', { ...memoryTarget(`${name}-own`), mapping: compileMapping(rules, 'target own') }],
  ])
  const deadLetters = [{ name: 'queue', sink: memoryTarget(`${name}-dead`) }]
  return { plain, own, dead, targets, deadLetters }
}

const records = (dead: ReturnType<typeof memoryQueue>) => dead.messages.map(m => readRecord(bodies([m])[0]!))

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i))

describe('the mapping of a target', () => {
  it("comes after the route's and is for this target alone", async t => {
    const { plain, own, targets, deadLetters } = targetsWith([
      { set: { headers: { both: '${headers.first}-own' }, body: 'new' } },
    ])
    const { source } = await routeOnMemory(t, {
      targets,
      deadLetters,
      mapping: compileMapping([{ set: { headers: { first: 'route' } } }]),
    })
    source.put(message('old'))
    await until(() => plain.messages.length === 1 && own.messages.length === 1, { what: 'both' })
    assert.deepEqual([bodies(plain.messages), bodies(own.messages)], [['old'], ['new']])
    assert.deepEqual(Object.keys(plain.messages[0]!.headers), ['first'])
    assert.deepEqual(own.messages[0]!.headers.both, { type: 'string', value: 'route-own' })
  })

  it('gives what the rules of the route have found to its rules and to the address', async t => {
    const { own, targets, deadLetters } = targetsWith([{ set: { headers: { line: '${captures.line}' } } }])
    const addressed = { ...targets.get('own')!, address: compileAddress('to-${captures.line}') }
    const { source } = await routeOnMemory(t, {
      targets: new Map([['own', addressed]]),
      deadLetters,
      mapping: compileMapping([{ match: ['plant/{line}/#'] }]),
    })
    source.put(message('x', { address: 'plant/l1' }))
    await until(() => own.messages.length === 1, { what: 'the message' })
    assert.deepEqual(
      [own.messages[0]!.address, own.messages[0]!.headers.line],
      ['to-l1', { type: 'string', value: 'l1' }],
    )
  })

  it('drops for this target: the others get the message, which is settled when they have it', async t => {
    const { plain, own, targets, deadLetters } = targetsWith([{ drop_if: 'headers.none = 1 or true' }])
    const { source, route, events } = await routeOnMemory(t, { targets, deadLetters })
    plain.failWith = () => new SinkUnavailable('not now')
    source.put(message('x'))
    await until(() => events.some(e => e.type === 'filtered'), { what: 'the drop' })
    assert.equal(route.status().source.messages, 1)
    plain.failWith = undefined
    await until(() => plain.messages.length === 1 && route.status().source.messages === 0, {
      what: 'the end',
    })
    assert.equal(own.messages.length, 0)
    const said = events.filter(e => e.type === 'filtered' || e.type === 'settled')
    assert.deepEqual(
      said.map(e => (e.type === 'filtered' ? e.target : e.type === 'settled' && e.outcome)),
      ['own', 'accepted'],
    )
  })

  it('accepts a message that each target dropped', async t => {
    const { own, targets, deadLetters } = targetsWith([{ drop_if: 'true' }])
    const { source, route, events } = await routeOnMemory(t, {
      targets: new Map([['own', targets.get('own')!]]),
      deadLetters,
    })
    for (const body of numbered(50)) source.put(message(body))
    await until(() => events.filter(e => e.type === 'settled').length === 50, { what: 'all settled' })
    assert.deepEqual([own.messages.length, route.status().source.messages], [0, 0])
    assert.ok(events.every(e => e.type !== 'settled' || e.outcome === 'accepted'))
  })

  it('keeps the order, also where a rule takes time for some messages only', async t => {
    const slow: Rule = { set: { headers: { n: '${$number(body) % 2 = 0 ? $sum([1,2]) : 1}' } } }
    const { own, targets, deadLetters } = targetsWith([slow])
    const { source } = await routeOnMemory(t, {
      targets,
      deadLetters,
      order: { ordering: 'strict', onRefused: 'continue' },
    })
    for (const body of numbered(100)) source.put(message(body))
    await until(() => own.messages.length === 100, { what: 'all' })
    assert.deepEqual(bodies(own.messages), numbered(100))
  })

  for (const how of ['at once', 'later'] as const) {
    it(`refuses ${how} for this target only, and the dead letter is as the message was`, async t => {
      const missing =
        how === 'later' ? '${$sum([1]) & headers.missing.x}${headers.missing}' : '${headers.missing}'
      const { plain, own, dead, targets, deadLetters } = targetsWith([
        { set: { headers: { a: '1' } } },
        { set: { subject: missing } },
      ])
      const { source, route } = await routeOnMemory(t, { targets, deadLetters })
      source.put(message('x'))
      await until(() => dead.messages.length === 1 && plain.messages.length === 1, { what: 'both ends' })
      const [record] = records(dead)
      assert.match(record!.reason, /^target own, rule 2 \(set\): the mapping reads headers\.missing/)
      assert.deepEqual([record!.target, record!.message.headers], ['own', {}])
      await until(() => route.status().source.messages === 0, { what: 'settled' })
      assert.equal(own.messages.length, 0)
    })
  }

  it('holds the group of a message that it refuses, for this target only', async t => {
    const { plain, own, targets, deadLetters } = targetsWith([{ set: { headers: { n: '${headers.n}' } } }])
    const { source, events } = await routeOnMemory(t, {
      targets,
      deadLetters,
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    const ofGroup = (body: string, ok: boolean): Message =>
      message(body, {
        properties: { groupId: body[0]! },
        headers: ok ? { n: { type: 'string', value: body } } : {},
      })
    for (const [body, ok] of [
      ['A0', true],
      ['A1', false],
      ['A2', true],
      ['B0', true],
    ] as const)
      source.put(ofGroup(body, ok))
    await until(() => plain.messages.length === 4 && own.messages.length === 2, { what: 'what can go' })
    assert.deepEqual(bodies(own.messages).sort(), ['A0', 'B0'])
    const held = events.filter(e => e.type === 'group_held')
    assert.deepEqual(
      held.map(e => [e.target, e.group]),
      [['own', 'A']],
    )
  })

  it('has the lanes of the group that it sets', async t => {
    const { own, targets, deadLetters } = targetsWith([{ set: { group_id: '${headers.g}' } }])
    const { source } = await routeOnMemory(t, {
      targets: new Map([['own', { ...targets.get('own')!, address: compileAddress('${headers.to}') }]]),
      deadLetters,
      order: { ordering: 'by_group', onRefused: 'hold_group' },
    })
    const put = (body: string, to: string) =>
      source.put(
        message(body, {
          properties: { groupId: 'all' },
          headers: { g: { type: 'string', value: body[0]! }, to: { type: 'string', value: to } },
        }),
      )
    put('A0', 'x')
    put('A1', '')
    put('A2', 'x')
    put('B0', 'x')
    await until(() => own.messages.length === 2, { what: 'A0 and B0' })
    assert.deepEqual(bodies(own.messages).sort(), ['A0', 'B0'])
  })
})
