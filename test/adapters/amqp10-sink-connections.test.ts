import assert from 'node:assert/strict'
import { test } from 'node:test'
import { within } from '../../src/adapters/shared/within.ts'
import { LinkLost } from '../../src/core/errors.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { Ends } from './amqp10-sink-ends.ts'

const text = (n: number) => ({ body: { kind: 'text', text: `m${n}` } }) as const

await describeOnBroker(
  'activemq',
  'the amqp10 sink over several connections',
  ({ host, ports, username, password }) => {
    const login = { username, password }

    test('has each message there once, and uses all of them', async t => {
      const proxy = await startProxy({ host, port: ports.amqp! })
      t.after(() => proxy.close())
      const ends = new Ends(t, { address: proxy, login })
      const queue = `sluice-test-${crypto.randomUUID()}`
      const { sink, send } = await ends.sink({ queue, connections: 4 })
      assert.equal(proxy.connections, 4)
      await Promise.all(Array.from({ length: 2_000 }, (_, n) => send(text(n))))
      await sink.check(new AbortController().signal)
      await sink.close()
      assert.equal(await within(1_000, 'closed', sink.closed), undefined)
      await until(() => proxy.connections === 0, { what: 'the end of all connections' })
      const source = await ends.source({ queue })
      for (let read = 0; read < 2_000; read += 100) {
        const some = (await source.take(100)).slice(read)
        await Promise.all(some.map(d => d.settle('accepted')))
      }
      assert.equal(new Set(source.ids).size, 2_000)
    })

    test('is gone as a whole when it is cut, or when it cannot open as a whole', async t => {
      const proxy = await startProxy({ host, port: ports.amqp! })
      t.after(() => proxy.close())
      const ends = new Ends(t, { address: proxy, login })
      const queue = `sluice-test-${crypto.randomUUID()}`
      const { sink, send } = await ends.sink({ queue, connections: 3 })
      const fates = Array.from({ length: 3_000 }, (_, n) =>
        send(text(n)).then(
          () => undefined,
          (error: unknown) => error,
        ),
      )
      await fates[0]
      proxy.stall()
      const late = send(text(-1))
      proxy.cut()
      await assert.rejects(late, LinkLost)
      assert.ok((await within(10_000, 'closed', sink.closed)) instanceof Error)
      for (const error of await Promise.all(fates))
        assert.ok(error === undefined || error instanceof LinkLost)
      proxy.refuse()
      await assert.rejects(ends.sink({ queue, connections: 3 }), /connecting to/)
    })
  },
)
