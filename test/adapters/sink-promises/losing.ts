import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import { LinkLost, SinkUnavailable } from '../../../src/core/errors.ts'
import type { SinkPromises } from '../sink-conformance.ts'
import {
  arrived,
  type Fates,
  fatesOf,
  ids,
  limited,
  never,
  opened,
  proxied,
  readBack,
  type SinkBench,
  withConnection,
  withSink,
} from './bench.ts'

function allLost({ failed }: Fates): void {
  for (const [id, error] of failed) assert.ok(error instanceof LinkLost, `${id}: ${error}`)
}

/** All that was confirmed is there, and first arrivals are in the order of sending. */
function hasAll(bench: SinkBench, came: readonly string[], { confirmed }: Fates, sent: readonly string[]) {
  const there = new Set(came)
  assert.deepEqual(
    confirmed.filter(id => !there.has(id)),
    [],
    'confirmed and missing',
  )
  const expected = sent.filter(id => there.has(id))
  arrived(bench, [...there], expected, 'order')
  assert.equal(came.length, there.size, 'none twice')
}

/** What happens when the link dies, or is closed. */
export const losing = {
  async cut(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const { sink, target } = await opened(t, bench, bench.broker.endpoint(name, proxy))
    const send = (id: string) => sink.send(target.prepare(sink.limits, target.message(name, id)), never)
    for (const id of ids(5)) await send(id)
    proxy.stall()
    const stuck = ids(50, 5)
    const fates = fatesOf(stuck, stuck.map(send))
    proxy.cut()
    const error = await within(5_000, 'noticing the cut', sink.closed)
    assert.ok(error instanceof Error, 'closed resolves with the reason')
    await within(1_000, 'the end of every send', fates.all)
    assert.deepEqual(fates.confirmed, [], 'nothing is confirmed that the broker never saw')
    allLost(fates)
    await assert.rejects(within(1_000, 'a send on a dead link', send('late')), LinkLost)
    await assert.rejects(within(1_000, 'a check on a dead link', sink.check(AbortSignal.timeout(5_000))))
    arrived(bench, await readBack(t, bench, name), ids(5))
  },

  async cutFlight(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const producer = await opened(t, bench, bench.broker.endpoint(name, proxy))
    // More than the sockets on the way hold, so that the cut comes before the last is there.
    const more = 'x'.repeat(4_096)
    const sent = ids(Math.min(3_000, bench.broker.room ?? 3_000)).map(id => `${id} ${more}`)
    const late = ids(20, sent.length)
    const lateFates = Promise.withResolvers<Fates>()
    const fates = fatesOf(sent, producer.sendAll(name, sent), count => {
      if (count !== 20) return
      // Some brokers confirm all at once: so there are always some that cannot have been.
      proxy.stall()
      lateFates.resolve(fatesOf(late, producer.sendAll(name, late)))
      setImmediate(() => proxy.cut())
    })
    await within(15_000, 'noticing the cut', producer.sink.closed)
    const stuck = await lateFates.promise
    await within(1_000, 'the end of every send', Promise.all([fates.all, stuck.all]))
    allLost(fates)
    allLost(stuck)
    t.diagnostic(`${fates.confirmed.length} confirmed, ${fates.failed.size} lost`)
    hasAll(bench, await readBack(t, bench, name), fates, sent)
    assert.deepEqual(stuck.confirmed, [])
  },

  async stalled(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const raw = withSink(bench.broker.endpoint(name, proxy), { send_timeout: '1s' })
    const { sink, target } = await opened(t, bench, raw)
    const prepared = ids(3).map(id => target.prepare(sink.limits, target.message(name, id)))
    await sink.send(prepared[0]!, never)
    proxy.stall()
    const began = performance.now()
    const fates = fatesOf(
      ids(2, 1),
      prepared.slice(1).map(p => sink.send(p, never)),
    )
    await within(10_000, 'the end of every send', fates.all)
    assert.deepEqual(fates.confirmed, [])
    for (const [id, error] of fates.failed) {
      assert.ok(error instanceof SinkUnavailable || error instanceof LinkLost, `${id}: ${error}`)
    }
    assert.ok(performance.now() - began > 500, 'not before its time')
    const check = sink.check(never).then(
      () => {},
      () => {},
    )
    await within(15_000, 'the end of a check', check)
    proxy.resume()
    const after = fatesOf(
      ['after'],
      [sink.send(target.prepare(sink.limits, target.message(name, 'after')), never)],
    )
    await within(15_000, 'a send once the peer speaks again', after.all)
    // A broker that has to catch up may need longer than the second that this sink gives it.
    for (const [id, error] of after.failed) {
      assert.ok(error instanceof SinkUnavailable || error instanceof LinkLost, `${id}: ${error}`)
    }
    const came = await readBack(t, bench, name)
    assert.equal(new Set(came).size, came.length, 'none twice')
    for (const id of ['m0', ...after.confirmed]) assert.ok(came.includes(id), `${id} is there`)
  },

  async silentPeer(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const raw = withConnection(bench.broker.endpoint(name, proxy), { heartbeat: '1s' })
    const producer = await opened(t, bench, raw)
    await producer.send(name, 'before')
    proxy.stall()
    const fates = fatesOf(['stuck'], [producer.send(name, 'stuck')])
    const error = await within(10_000, 'noticing the silence', producer.sink.closed)
    assert.ok(error instanceof Error)
    await within(1_000, 'the end of every send', fates.all)
    allLost(fates)
    assert.deepEqual(fates.confirmed, [])
    assert.equal((await readBack(t, bench, name))[0], 'before')
  },

  async close(bench, t) {
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    const { sink } = producer
    const more = 'x'.repeat(2_048)
    const sent = ids(Math.min(2_000, bench.broker.room ?? 2_000)).map(id => `${id} ${more}`)
    const amid = Promise.withResolvers<void>()
    const fates = fatesOf(sent, producer.sendAll(name, sent), count => count === 20 && amid.resolve())
    await within(10_000, 'the first confirmations', amid.promise)
    await within(10_000, 'closing', Promise.all([sink.close(), sink.close()]))
    assert.equal(await within(100, 'closed after close()', sink.closed), undefined)
    await within(1_000, 'the end of every send', fates.all)
    for (const [id, error] of fates.failed) {
      assert.ok(error instanceof LinkLost || error instanceof SinkUnavailable, `${id}: ${error}`)
    }
    await within(1_000, 'closing again', sink.close())
    await assert.rejects(within(1_000, 'a send after close()', producer.send(name, 'late')), LinkLost)
    t.diagnostic(`${fates.confirmed.length} confirmed, ${fates.failed.size} not`)
    hasAll(bench, await readBack(t, bench, name), fates, sent)
  },

  async stalledClose(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const raw = limited(bench, bench.broker.endpoint(name, proxy), '1s')
    const producer = await opened(t, bench, raw)
    await producer.send(name, 'before')
    proxy.stall()
    const stuck = ids(20)
    const fates = fatesOf(stuck, producer.sendAll(name, stuck))
    await within(8_000, 'closing', producer.sink.close())
    assert.equal(await within(100, 'closed after close()', producer.sink.closed), undefined)
    await within(1_000, 'the end of every send', fates.all)
    assert.deepEqual(fates.confirmed, [])
    assert.equal((await readBack(t, bench, name))[0], 'before')
  },
} satisfies Partial<SinkPromises>
