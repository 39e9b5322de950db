import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { Acks } from '../../src/adapters/amqp091/acks.ts'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { within } from '../../src/adapters/shared/within.ts'
import type { LinkEvent } from '../../src/core/adapter.ts'
import { LinkLost, sentence } from '../../src/core/errors.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import type { RabbitBench } from './amqp091-bench.ts'
import { blocked, channelClose, channelCloseOk } from './amqp091-frames.ts'
import { numbered } from './amqp091-rabbit.ts'
import { Consumer, parse } from './consumer.ts'

/** Connections and channels: how they are shared, opened and lost. */
export function links(bench: RabbitBench): void {
  const { login, broker, raw, endpoint, open, impostor, ready } = bench

  test('links of one connection share it, and one that dies leaves the other at work', async t => {
    const via = await impostor(t)
    const [one, other] = [await bench.rabbit.declare(), await bench.rabbit.declare()]
    const first = endpoint(one, via.address)
    const dying = await open(t, first)
    const staying = await open(t, { ...endpoint(other, via.address), connection: first.connection })
    assert.equal(via.connections, 1)
    await bench.rabbit.produce(one, numbered(1))
    const [lost] = await dying.take(1)
    via.swallow.push(channelCloseOk(1))
    via.say(channelClose(1, 406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out'))
    assert.match(sentence(await dying.source.closed), /consumer_timeout/)
    await assert.rejects(lost!.settle('accepted'), LinkLost)
    await bench.rabbit.produce(other, numbered(3))
    const came = await staying.take(3)
    await Promise.all(came.map(d => d.settle('accepted')))
    await staying.source.close()
    await ready(other, 0)
  })

  test('a source that is closed leaves nothing on the connection that others hold', async t => {
    const at = endpoint(await bench.rabbit.declare())
    await open(t, at)
    const context = { signal: t.signal, report: () => {} }
    const sources = () => queryObjects(Acks, { format: 'count' })
    const before = sources()
    for (let i = 0; i < 20; i++) await (await amqp091.source!.open(at, () => {}, context)).close()
    assert.ok(sources() - before < 10, `${sources() - before} of 20 are left`)
  })

  test('a queue that is deleted ends its link only', async t => {
    const [one, other] = [await bench.rabbit.declare(), await bench.rabbit.declare()]
    const first = endpoint(one)
    const dying = await open(t, first)
    const staying = await open(t, { ...endpoint(other), connection: first.connection })
    await bench.rabbit.produce(one, numbered(2))
    await dying.take(2)
    await bench.rabbit.remove(one)
    assert.match(sentence(await dying.source.closed), new RegExp(`queue ${one}.*deleted`))
    assert.ok(dying.deliveries.every(d => d.lost.aborted))
    await dying.source.close()
    await bench.rabbit.produce(other, numbered(1))
    await (await staying.take(1))[0]!.settle('accepted')
  })

  test('closes at once when the connection is cut while it closes', async t => {
    const proxy = await startProxy(bench.rabbit.address)
    t.after(() => proxy.close())
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, numbered(5))
    const consumer = await open(t, endpoint(queue, proxy))
    await consumer.take(5)
    const closing = consumer.source.close()
    proxy.cut()
    await within(2_000, 'closing', closing)
    assert.equal(await consumer.source.closed, undefined)
  })

  test('reports that the broker blocks publishers', async t => {
    const via = await impostor(t)
    const queue = await bench.rabbit.declare()
    const events: LinkEvent[] = []
    const report = (event: LinkEvent) => events.push(event)
    const at = endpoint(queue, via.address)
    const source = await amqp091.source!.open(at, () => {}, { signal: t.signal, report })
    via.say(blocked('low on memory'))
    await until(() => events.length > 0, { what: 'the notice' })
    assert.match(events[0]!.type === 'notice' ? events[0]!.text : '', /low on memory/)
    await source.close()
  })

  test('exclusive: refuses to open beside another consumer, and keeps others out', async t => {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, numbered(1))
    const exclusive = endpoint(queue, undefined, { exclusive: true })
    assert.equal(amqp091.source!.orderProblem(exclusive, 'strict'), undefined)
    assert.match(amqp091.source!.orderProblem(endpoint(queue), 'strict') ?? '', /exclusive: true/)
    const consumer = await open(t, exclusive)
    await consumer.take(1)
    await assert.rejects(Consumer.open(amqp091, endpoint(queue, undefined, { exclusive: true })), /1 other/)
    const trial = { signal: t.signal, report: () => {}, trial: true } as const
    await (await amqp091.source!.open(exclusive, () => {}, trial)).close()
    const other = await open(t, queue)
    other.grant(1)
    assert.match(sentence(await other.source.closed), /exclusive/)
  })

  test('a virtual host that does not exist is named', async () => {
    const queue = await bench.rabbit.declare()
    const { host, port } = bench.rabbit.address
    const connection = { urls: [`amqp://${host}:${port}/no%2Fsuch`], ...login() }
    const at = parse(amqp091, queue, { ...raw(queue), connection })
    await assert.rejects(Consumer.open(amqp091, at), /virtual host no\/such/)
  })

  test('logs in over TLS by user name, and by client certificate alone (SASL EXTERNAL)', async () => {
    const { tls, ports, username, password } = broker
    const queue = await bench.rabbit.declare()
    const certificate = { ca_file: tls.ca, cert_file: tls.cert, key_file: tls.key }
    for (const more of [{ username, password, tls: { ca_file: tls.ca } }, { tls: certificate }]) {
      const connection = { urls: [`amqps://localhost:${ports.amqps}`], ...more }
      const consumer = await Consumer.open(amqp091, parse(amqp091, queue, { ...raw(queue), connection }))
      await bench.rabbit.produce(queue, numbered(1))
      await (await consumer.take(1))[0]!.settle('accepted')
      await consumer.source.close()
    }
  })

  test('does not trust a certificate of an authority that it was not told of, nor one with another name', async () => {
    const { tls, ports, username, password } = broker
    const queue = await bench.rabbit.declare()
    for (const [more, error] of [
      [{}, /self-signed|unable to verify/],
      [{ tls: { ca_file: tls.ca, server_name: 'wrong.example' } }, /wrong\.example/],
    ] as const) {
      const connection = { urls: [`amqps://localhost:${ports.amqps}`], username, password, ...more }
      const at = parse(amqp091, queue, { ...raw(queue), connection })
      await assert.rejects(Consumer.open(amqp091, at), error)
    }
  })

  test('a certificate where the broker asks for none is an error that says so', async () => {
    const { tls } = broker
    const queue = await bench.rabbit.declare()
    const files = { ca_file: tls.ca, cert_file: tls.cert, key_file: tls.key }
    const connection = { urls: [`amqp://127.0.0.1:${bench.rabbit.address.port}`], tls: files }
    const at = parse(amqp091, queue, { ...raw(queue), connection })
    await assert.rejects(Consumer.open(amqp091, at), /certificate/)
  })

  test('a busy process does not miss its heart-beats', async t => {
    const queue = await bench.rabbit.declare()
    const { connection, source } = raw(queue)
    const consumer = await open(
      t,
      parse(amqp091, queue, { connection: { ...connection, heartbeat: '1s' }, source }),
    )
    let dead = false
    void consumer.source.closed.then(() => {
      dead = true
    })
    for (const end = performance.now() + 5_000; performance.now() < end; ) {
      for (const busy = performance.now() + 700; performance.now() < busy; );
      await new Promise(setImmediate)
    }
    assert.equal(dead, false)
    await bench.rabbit.produce(queue, numbered(1))
    await (await consumer.take(1))[0]!.settle('accepted')
  })
}
