import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { bodies, memoryTarget, message, routeOnMemory } from './route-on-memory.ts'

let names = 0

function twoTargets() {
  const name = `two-${++names}`
  const [well, ill] = [memoryQueue(`${name}-well`), memoryQueue(`${name}-ill`)]
  const targets = new Map([
    ['well', memoryTarget(`${name}-well`)],
    ['ill', memoryTarget(`${name}-ill`)],
  ])
  return { well, ill, targets }
}

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i))

describe('a route with several targets', () => {
  for (const how of ['never there', 'failing'] as const) {
    it(`sends to the one without waiting for a neighbour that is ${how}, as far as prefetch goes`, async t => {
      const { well, ill, targets } = twoTargets()
      if (how === 'failing') ill.failWith = () => new SinkUnavailable('down')
      else ill.down = true
      const { source, route } = await routeOnMemory(t, { targets, prefetch: 80 })
      for (const body of numbered(200)) source.put(message(body))
      await until(() => well.messages.length === 80, { what: 'as many as may be unsettled' })
      assert.equal(route.status().source.messages, 80)
      ill.failWith = undefined
      ill.down = false
      await until(() => ill.messages.length === 200 && well.messages.length === 200, { what: 'all at both' })
      assert.deepEqual(bodies(well.messages), numbered(200))
    })
  }

  it('goes on at the one although thousands wait for the other', async t => {
    const { well, ill, targets } = twoTargets()
    ill.failWith = () => new SinkUnavailable('down')
    const { source } = await routeOnMemory(t, {
      targets,
      prefetch: 5_000,
      buffer: { maxMessages: 5_000, maxBytes: 2 ** 30 },
    })
    for (const body of numbered(4_000)) source.put(message(body))
    await until(() => well.messages.length === 4_000, { what: '4,000 at the one' })
    ill.failWith = undefined
    await until(() => ill.messages.length === 4_000, { what: '4,000 at the other' })
    assert.equal(well.messages.length, 4_000)
  })

  it('sends what one has confirmed not again to it when the delivery is lost because of the other', async t => {
    const { well, ill, targets } = twoTargets()
    ill.failWith = () => new SinkUnavailable('down')
    const { source, route } = await routeOnMemory(t, { targets, prefetch: 80 })
    for (const body of numbered(100)) source.put(message(body))
    for (let cut = 0; cut < 3; cut++) {
      await until(() => well.messages.length >= 40, { what: '40 at the one' })
      source.cut()
      await until(() => route.status().source.up, { what: 'another link' })
    }
    ill.failWith = undefined
    await until(() => ill.messages.length >= 100 && well.messages.length >= 100, { what: 'all at both' })
    await until(() => route.status().source.messages === 0, { what: 'all settled' })
    assert.deepEqual(bodies(well.messages).sort(), numbered(100).sort())
  })

  it('sends each to the address that its own template gives', async t => {
    const { well, ill, targets } = twoTargets()
    const addressed = new Map(
      Array.from(targets, ([name, sink]) => [
        name,
        {
          ...sink,
          address: async (m: ReturnType<typeof message>) => ({ ...m, address: `${name}/${m.address}` }),
        },
      ]),
    )
    const { source } = await routeOnMemory(t, { targets: addressed })
    source.put(message('1', { address: 'orders' }))
    await until(() => well.messages.length === 1 && ill.messages.length === 1, { what: 'both' })
    assert.deepEqual([well.messages[0]!.address, ill.messages[0]!.address], ['well/orders', 'ill/orders'])
  })
})
