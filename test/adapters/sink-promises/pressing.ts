import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { within } from '../../../src/adapters/shared/within.ts'
import { until } from '../../support/until.ts'
import type { SinkPromises } from '../sink-conformance.ts'
import { arrived, fatesOf, ids, never, opened, proxied, read, type Scope } from './bench.ts'

/** Sockets that this process opens from now on, to whoever. */
function socketsOf(t: Scope): readonly Socket[] {
  const sockets: Socket[] = []
  const note = (message: unknown) => sockets.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', note)
  t.after(() => unsubscribe('net.client.socket', note))
  return sockets
}

/** Bytes of all buffers that somebody still holds. */
function inBuffers(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().arrayBuffers
}

/** Bytes that may wait for a broker that does not read. */
const most = 8 * 2 ** 20

/** What happens when the broker is slower than we are, and what is left of connections. */
export const pressing = {
  async pressure(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const sockets = socketsOf(t)
    const producer = await opened(t, bench, bench.broker.endpoint(name, proxy))
    await producer.send(name, 'before')
    proxy.stall()
    const length = Math.min(65_536, bench.broker.largestBody ?? 65_536)
    const sent = ids(Math.min(400, bench.broker.room ?? 400)).map(id => id.padEnd(length, ' '))
    const prepared = sent.map(body => producer.prepare(name, body))
    const buffered = inBuffers()
    const fates = fatesOf(
      sent,
      prepared.map(p => producer.sink.send(p, never)),
    )
    await pause(300)
    const ours = sockets.filter(socket => socket.remotePort === proxy.port)
    assert.ok(ours.length > 0, 'a connection')
    const piled = ours.reduce((sum, socket) => sum + socket.writableLength, 0)
    const copied = inBuffers() - buffered
    t.diagnostic(
      `${Math.round(piled / 1024)} KiB wait in the socket, ${Math.round(copied / 1024)} KiB more in buffers`,
    )
    assert.ok(piled < most, `${piled} bytes wait in the socket`)
    // Past the socket it waits as what was prepared, and not in another copy.
    assert.ok(copied < 2 * most, `${copied} bytes more in buffers`)
    proxy.resume()
    const reading = read(bench, name, sent.length + 1)
    reading.catch(() => {})
    await within(20_000, 'sending', fates.all)
    assert.deepEqual([...fates.failed.values()], [])
    const came = (await reading).map(body => body.trimEnd())
    arrived(bench, came, ['before', ...ids(sent.length)])
  },

  async blocked(bench, t) {
    const { block, unblock } = bench.broker
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    await producer.send(name, 'before')
    const notices = () => producer.events.filter(event => event.type === 'notice').length
    await block!()
    t.after(() => unblock!())
    const fates = fatesOf(ids(20), producer.sendAll(name, ids(20)))
    await until(() => notices() > 0, { what: 'a notice that the broker blocks' })
    await pause(300)
    assert.equal(
      fates.confirmed.length + fates.failed.size,
      0,
      'nothing is confirmed meanwhile, and nothing fails',
    )
    const before = notices()
    await unblock!()
    await within(15_000, 'sending', fates.all)
    assert.deepEqual([...fates.failed.values()], [])
    await until(() => notices() > before, { what: 'a notice that it is over' })
    arrived(bench, await read(bench, name, 21), ['before', ...ids(20)])
  },

  async nothingOpen(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const target = bench.targets(bench.broker.endpoint(name, proxy))[0]!
    for (const id of ids(3)) {
      const producer = await target.open()
      await producer.send(name, id)
      await producer.sink.close()
    }
    await until(() => proxy.connections === 0, { what: 'the end of connections that were closed' })
    if (bench.broker.missing) {
      const raw = bench.broker.endpoint(bench.broker.missing, proxy)
      await bench
        .targets(raw)[0]!
        .open()
        .then(({ sink }) => sink.close())
        .catch(() => {})
      await until(() => proxy.connections === 0, { what: 'the end of a connection that failed to open' })
    }
    for (const ms of [0, 1, 3, 10]) {
      const opening = target.open(AbortSignal.timeout(ms))
      await within(
        10_000,
        'opening',
        opening.then(
          ({ sink }) => sink.close(),
          () => {},
        ),
      )
    }
    await until(() => proxy.connections === 0, { what: 'the end of connections whose opening was aborted' })
  },
} satisfies Partial<SinkPromises>
