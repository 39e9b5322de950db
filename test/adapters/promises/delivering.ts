import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { LinkLost } from '../../../src/core/errors.ts'
import type { Promises } from '../conformance.ts'
import { Consumer } from '../consumer.ts'
import { bytesOf } from '../fixture.ts'
import { bodies, filled, ids, opened, readBack } from './bench.ts'

/** How long nothing must come when nothing may. */
const quietTime = 150

/** What is handed over, and how it ends while the link lives. */
export const delivering = {
  async bytes(bench, t) {
    const largest = bench.broker.largestBody ?? 2 * 2 ** 20
    const sent = [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x00, 0x80]),
      Buffer.from('Grüße 😀 \r\n\t\\:'),
      Buffer.alloc(largest, Buffer.from(ids(256).join())),
    ]
    const name = await bench.broker.create()
    await bench.broker.produce(name, sent)
    const consumer = await opened(t, bench, name)
    const came = (await consumer.take(sent.length)).map(d => bytesOf(d.message))
    for (const [i, bytes] of sent.entries()) {
      assert.ok(bytes.equals(came[i]!), `body ${i} of ${bytes.length} bytes`)
    }
    assert.ok(consumer.deliveries[4]!.size >= largest, 'size counts the body')
    assert.equal(consumer.deliveries[0]!.message.address, name)
  },

  async credit(bench, t) {
    const consumer = await opened(t, bench, await filled(bench, 60))
    const quiet = async (total: number) => {
      await consumer.came(total)
      await pause(quietTime)
      await consumer.came(total)
    }
    await quiet(0)
    consumer.grant(1)
    await quiet(1)
    for (let i = 0; i < 4; i++) consumer.grant(5)
    await quiet(21)
    await Promise.all(consumer.deliveries.map(d => d.settle('accepted')))
    await quiet(21)
    await consumer.take(39)
    assert.deepEqual(consumer.ids, ids(60))
  },

  async accepted(bench, t) {
    const name = await filled(bench, 8)
    const consumer = await opened(t, bench, name)
    const deliveries = await consumer.take(6)
    await Promise.all(deliveries.slice(0, 3).map(d => d.settle('accepted')))
    await consumer.source.close()
    assert.deepEqual((await readBack(t, bench, name)).sort(), ids(5, 3))
  },

  async rejected(bench, t) {
    const name = await filled(bench, 4)
    const consumer = await opened(t, bench, name)
    const deliveries = await consumer.take(4)
    await deliveries[1]!.settle('rejected')
    await Promise.all([deliveries[0]!, deliveries[2]!].map(d => d.settle('accepted')))
    await consumer.source.close()
    assert.deepEqual(await readBack(t, bench, name), ['m3'])
  },

  async stop(bench, t) {
    const name = await filled(bench, 10)
    const consumer = await opened(t, bench, name)
    const deliveries = [...(await consumer.take(4))]
    await consumer.source.stop()
    consumer.grant(10)
    await bench.broker.produce(name, bodies(ids(2, 10)))
    await pause(quietTime)
    await consumer.came(4)
    await Promise.all(deliveries.map(d => d.settle('accepted')))
    await consumer.source.close()
    assert.deepEqual((await readBack(t, bench, name)).sort(), ids(8, 4).sort())
  },

  async close(bench, t) {
    const name = await filled(bench, 3)
    const consumer = await opened(t, bench, name)
    const [first] = await consumer.take(3)
    await Promise.all([consumer.source.close(), consumer.source.close()])
    assert.equal(await consumer.source.closed, undefined)
    assert.ok(first!.lost.aborted)
    await assert.rejects(first!.settle('accepted'), LinkLost)
    consumer.grant(1)
    assert.deepEqual((await readBack(t, bench, name)).sort(), ids(3))
  },

  async neighbour(bench, t) {
    const ends = [await filled(bench, 1), await filled(bench, 1)].map(name => ({
      name,
      raw: bench.broker.endpoint(name),
    }))
    const [first, second] = bench.openers(...ends)
    const closing = (await Consumer.by(first!)).closeAfter(t)
    const staying = (await Consumer.by(second!)).closeAfter(t)
    await closing.take(1)
    await closing.source.close()
    const [delivery] = await staying.take(1)
    await delivery!.settle('accepted')
    await staying.source.close()
    assert.deepEqual(await readBack(t, bench, ends[1]!.name), [])
  },
} satisfies Partial<Promises>
