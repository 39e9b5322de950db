import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import { LinkLost } from '../../../src/core/errors.ts'
import { until } from '../../support/until.ts'
import type { Promises } from '../conformance.ts'
import { filled, ids, opened, proxied, withConnection } from './bench.ts'

/** What happens when the link dies. */
export const losing = {
  async cut(bench, t) {
    const name = await filled(bench, 4)
    const proxy = await proxied(t, bench)
    const consumer = await opened(t, bench, name, bench.broker.endpoint(name, proxy))
    const deliveries = await consumer.take(4)
    await deliveries[0]!.settle('accepted')
    const lostFirst = consumer.source.closed.then(() => deliveries.slice(1).every(d => d.lost.aborted))
    proxy.cut()
    const error = await within(5_000, 'noticing the cut', consumer.source.closed)
    assert.ok(error instanceof Error)
    assert.ok(await lostFirst, 'lost before closed')
    await assert.rejects(deliveries[1]!.settle('accepted'), LinkLost)
    await assert.rejects(deliveries[2]!.settle('rejected'), LinkLost)
  },

  async again(bench, t) {
    const name = await filled(bench, 10)
    const proxy = await proxied(t, bench)
    const consumer = await opened(t, bench, name, bench.broker.endpoint(name, proxy))
    const deliveries = await consumer.take(6)
    await Promise.all(deliveries.slice(0, 2).map(d => d.settle('accepted')))
    proxy.cut()
    await consumer.source.closed
    const next = await opened(t, bench, name)
    next.grant(20)
    await until(() => ids(8, 2).every(id => next.ids.includes(id)), { what: 'the unsettled messages' })
  },

  async detached(bench, t) {
    const name = await filled(bench, 2)
    const consumer = await opened(t, bench, name)
    const deliveries = await consumer.take(2)
    await bench.broker.detach!(name)
    const error = await within(10_000, 'noticing that the link is gone', consumer.source.closed)
    assert.ok(error instanceof Error)
    await assert.rejects(deliveries[0]!.settle('accepted'), LinkLost)
  },

  async stalled(bench, t) {
    const name = await filled(bench, 1)
    const proxy = await proxied(t, bench)
    const raw = withConnection(bench.broker.endpoint(name, proxy), { heartbeat: '1s' })
    const consumer = await opened(t, bench, name, raw)
    const [delivery] = await consumer.take(1)
    proxy.stall()
    const error = await within(10_000, 'noticing the silence', consumer.source.closed)
    assert.ok(error instanceof Error)
    await assert.rejects(delivery!.settle('accepted'), LinkLost)
  },

  async stalledClose(bench, t) {
    const name = await filled(bench, 1)
    const proxy = await proxied(t, bench)
    const raw = withConnection(bench.broker.endpoint(name, proxy), { connect_timeout: '1s' })
    const consumer = await opened(t, bench, name, raw)
    await consumer.take(1)
    proxy.stall()
    await within(6_000, 'closing', consumer.source.close())
    await within(100, 'closed after close()', consumer.source.closed)
  },
} satisfies Partial<Promises>
