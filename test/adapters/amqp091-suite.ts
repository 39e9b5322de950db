import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { connect } from 'amqplib'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import type { ConnectionOptions, SourceOptions } from '../../src/adapters/amqp091/options.ts'
import type { Endpoint, LinkEvent, Source } from '../../src/core/adapter.ts'
import type { Delivery, Outcome } from '../../src/core/delivery.ts'
import { LinkLost, sentence } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { addressOf, type RabbitBroker } from './amqp091-brokers.ts'
import { blocked, channelClose, channelCloseOk, Impostor, methodFrame, nackAll } from './amqp091-frames.ts'
import { numbered, quorum, Rabbit } from './amqp091-rabbit.ts'
import { Consumer, parse } from './consumer.ts'
import { idOf, type RawEndpoint, type TcpAddress } from './fixture.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** What RabbitMQ and its protocol ask for beyond the promises of every source. */
export function amqp091Behaviour(
  title: string,
  broker: () => RabbitBroker,
  unavailable: string | false,
): void {
  let rabbit: Rabbit

  const login = () => ({ username: broker().username, password: broker().password })
  const raw = (queue: string, via = rabbit.address, more: object = {}): RawEndpoint => ({
    connection: { urls: [`amqp://${via.host}:${via.port}`], ...login() },
    source: { queue, ...more },
  })
  const endpoint = (queue: string, via?: TcpAddress, more?: object): At =>
    parse(amqp091, queue, raw(queue, via, more))
  const open = async (t: TestContext, at: At | string) =>
    (await Consumer.open(amqp091, typeof at === 'string' ? endpoint(at) : at)).closeAfter(t)
  const impostor = async (t: TestContext) => {
    const started = await Impostor.start(rabbit.address)
    t.after(() => started.close())
    return started
  }
  const ready = (queue: string, count: number) =>
    until(async () => (await rabbit.ready(queue)) === count, { what: `${count} ready in ${queue}` })
  const drain = async (t: TestContext, queue: string): Promise<Delivery[]> => {
    await rabbit.produce(queue, [Buffer.from('end')])
    const consumer = await open(t, queue)
    consumer.grant(100_000)
    await until(() => consumer.ids.includes('end'), { what: 'the end of the queue' })
    await Promise.all(consumer.deliveries.map(d => d.settle('accepted')))
    await consumer.source.close()
    return consumer.deliveries.filter(d => idOf(d.message) !== 'end')
  }

  describe(`amqp091 on ${title}`, { skip: unavailable }, () => {
    before(async () => {
      rabbit = await Rabbit.connect(addressOf(broker()), broker())
    })
    after(() => rabbit?.close())

    for (const [what, options] of Object.entries({
      'a classic queue with dead letters, TTL, a length limit and priorities': {
        messageTtl: 600_000,
        deadLetterExchange: 'amq.fanout',
        maxLength: 1000,
        maxPriority: 9,
      },
      'a quorum queue with a delivery limit': {
        arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 7 },
      },
      'a queue that dies with its last user': { durable: true, expires: 600_000 },
    })) {
      test(`takes ${what} as it is`, async t => {
        const queue = await rabbit.declare(options)
        await rabbit.produce(queue, numbered(3))
        const consumer = await open(t, queue)
        await Promise.all((await consumer.take(3)).map(d => d.settle('accepted')))
        await consumer.source.close()
        await ready(queue, 0)
      })
    }

    test('takes nothing from a queue before the first grant', async t => {
      const queue = await rabbit.declare()
      await rabbit.produce(queue, numbered(3))
      await open(t, queue)
      assert.equal(await rabbit.ready(queue), 3)
    })

    test('one granted is one out on the broker, and what is settled is replaced only as granted', async t => {
      const queue = await rabbit.declare(quorum)
      await rabbit.produce(queue, numbered(20))
      const consumer = await open(t, queue)
      const [first] = await consumer.take(1)
      await ready(queue, 19)
      await first!.settle('accepted')
      await consumer.take(2)
      await Promise.all(consumer.deliveries.slice(1).map(d => d.settle('accepted')))
      consumer.grant(4)
      await consumer.came(7)
      await until(async () => (await rabbit.ready(queue)) >= 9, { what: 'at most twice the window out' })
    })

    for (const [kind, options] of Object.entries({ classic: {}, quorum })) {
      test(`keeps the order of a ${kind} queue while the window grows to the prefetch`, async t => {
        const [count, prefetch] = [3000, 200]
        const queue = await rabbit.declare(options)
        await rabbit.produce(queue, numbered(count))
        const consumer = new Slow(prefetch)
        await consumer.open(t, endpoint(queue, undefined, { prefetch }))
        await until(() => consumer.accepted.length >= count, { what: 'all messages' })
        assert.deepEqual(consumer.firstOutOfOrder(), undefined)
        assert.ok(consumer.again === 0, `${consumer.again} messages had been delivered before`)
        assert.ok(consumer.most >= prefetch - 1, `at most ${consumer.most} unsettled`)
        await consumer.source!.close()
        await ready(queue, 0)
      })

      test(`keeps the order of a ${kind} queue when it stops in the middle of busy traffic`, async t => {
        const count = 2000
        const queue = await rabbit.declare(options)
        await rabbit.produce(queue, numbered(count))
        const consumer = new Slow(50)
        for (let i = 1; i <= 6; i++) {
          await consumer.open(t, endpoint(queue, undefined, { prefetch: 50 }))
          const enough = i < 6 ? i * 100 + 37 : count
          await until(() => consumer.accepted.length >= enough, { what: `${enough} messages` })
          await consumer.source!.close()
        }
        assert.deepEqual(consumer.firstOutOfOrder(), undefined)
        assert.equal(consumer.accepted.length, count)
      })
    }

    test('two messages that take for ever do not keep a third away that was granted', async t => {
      const queue = await rabbit.declare()
      await rabbit.produce(queue, numbered(5))
      const consumer = await open(t, queue)
      await consumer.take(2)
      await consumer.take(1)
      assert.deepEqual(consumer.ids, ['m0', 'm1', 'm2'])
    })

    test('settles in any order exactly what was settled', async t => {
      const dead = await rabbit.declare()
      const queue = await rabbit.declare({ deadLetterExchange: '', deadLetterRoutingKey: dead })
      const count = 600
      await rabbit.produce(queue, numbered(count))
      const consumer = await open(t, endpoint(queue, undefined, { prefetch: count }))
      const deliveries = await consumer.take(count)
      const fate = (i: number): Outcome | undefined =>
        i % 7 === 3 ? 'rejected' : i % 3 === 1 ? undefined : 'accepted'
      const shuffled = deliveries.map((d, i) => ({ d, outcome: fate(i) }))
      shuffled.sort((a, b) => mixed(idOf(a.d.message)) - mixed(idOf(b.d.message)))
      for (const [i, { d, outcome }] of shuffled.entries()) {
        if (outcome) void d.settle(outcome)
        if (i % 20 === 0) await new Promise(setImmediate)
      }
      await consumer.source.close()
      const expected = (outcome: Outcome | undefined) =>
        numbered(count).flatMap((id, i) => (fate(i) === outcome ? [String(id)] : []))
      const back = await drain(t, queue)
      assert.deepEqual(back.map(d => idOf(d.message)).sort(), expected(undefined).sort())
      const rejected = await drain(t, dead)
      assert.deepEqual(rejected.map(d => idOf(d.message)).sort(), expected('rejected').sort())
      assert.equal(rejected[0]!.message.annotations?.['x-death']?.type, 'list')
      assert.deepEqual(rejected[0]!.message.headers, {})
    })

    test('gives back in order, and a quorum queue counts it while a classic one only flags it', async t => {
      for (const [options, count] of [
        [quorum, 1],
        [{}, undefined],
      ] as const) {
        const queue = await rabbit.declare(options)
        await rabbit.produce(queue, numbered(5))
        const first = await open(t, queue)
        assert.deepEqual(
          (await first.take(5)).map(d => d.deliveryCount),
          [0, 0, 0, 0, 0],
        )
        await first.source.close()
        const second = await open(t, queue)
        const [again] = await second.take(5)
        assert.deepEqual(second.ids, numbered(5).map(String))
        assert.equal(again!.deliveryCount, count)
        assert.deepEqual(again!.message.annotations?.redelivered, { type: 'bool', value: true })
      }
    })

    test('gives back by basic.nack where the broker says that this is free', async t => {
      const via = await impostor(t)
      via.rewrite = [
        /"?version"?S....[0-9.]+/s,
        bytes => bytes.replace(/[0-9.]+$/, v => '9.9.9.9.9'.slice(0, v.length)),
      ]
      const queue = await rabbit.declare(quorum)
      await rabbit.produce(queue, numbered(20))
      const consumer = await open(t, endpoint(queue, via.address))
      const [first] = await consumer.take(8)
      await first!.settle('accepted')
      await consumer.source.close()
      assert.ok(via.heard.includes(nackAll(1)), 'one basic.nack of all, with requeue')
      assert.ok(!via.heard.includes(methodFrame(1, 60, 90).subarray(7, 11)), 'no basic.reject')
      const back = await drain(t, queue)
      assert.equal(back.length, 19)
    })

    test('links of one connection share it, and one that dies leaves the other at work', async t => {
      const via = await impostor(t)
      const [one, other] = [await rabbit.declare(), await rabbit.declare()]
      const first = endpoint(one, via.address)
      const dying = await open(t, first)
      const staying = await open(t, { ...endpoint(other, via.address), connection: first.connection })
      assert.equal(via.connections, 1)
      await rabbit.produce(one, numbered(1))
      const [lost] = await dying.take(1)
      via.swallow.push(channelCloseOk(1))
      via.say(channelClose(1, 406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out'))
      assert.match(sentence(await dying.source.closed), /consumer_timeout/)
      await assert.rejects(lost!.settle('accepted'), LinkLost)
      await rabbit.produce(other, numbered(3))
      const came = await staying.take(3)
      await Promise.all(came.map(d => d.settle('accepted')))
      await staying.source.close()
      await ready(other, 0)
    })

    test('a queue that is deleted ends its link only', async t => {
      const [one, other] = [await rabbit.declare(), await rabbit.declare()]
      const first = endpoint(one)
      const dying = await open(t, first)
      const staying = await open(t, { ...endpoint(other), connection: first.connection })
      await rabbit.produce(one, numbered(2))
      await dying.take(2)
      await rabbit.remove(one)
      assert.match(sentence(await dying.source.closed), new RegExp(`queue ${one}.*deleted`))
      assert.ok(dying.deliveries.every(d => d.lost.aborted))
      await dying.source.close()
      await rabbit.produce(other, numbered(1))
      await (await staying.take(1))[0]!.settle('accepted')
    })

    test('reports that the broker blocks publishers', async t => {
      const via = await impostor(t)
      const queue = await rabbit.declare()
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
      const queue = await rabbit.declare()
      await rabbit.produce(queue, numbered(1))
      const exclusive = endpoint(queue, undefined, { exclusive: true })
      assert.equal(amqp091.source!.isExclusive(exclusive), true)
      const consumer = await open(t, exclusive)
      await consumer.take(1)
      await assert.rejects(Consumer.open(amqp091, endpoint(queue, undefined, { exclusive: true })), /1 other/)
      const other = await open(t, queue)
      other.grant(1)
      assert.match(sentence(await other.source.closed), /exclusive/)
    })

    test('a virtual host that does not exist is named', async () => {
      const queue = await rabbit.declare()
      const { host, port } = rabbit.address
      const connection = { urls: [`amqp://${host}:${port}/no%2Fsuch`], ...login() }
      const at = parse(amqp091, queue, { ...raw(queue), connection })
      await assert.rejects(Consumer.open(amqp091, at), /virtual host no\/such/)
    })

    test('logs in over TLS by user name, and by client certificate alone (SASL EXTERNAL)', async () => {
      const { tls, ports, username, password } = broker()
      const queue = await rabbit.declare()
      const certificate = { ca_file: tls.ca, cert_file: tls.cert, key_file: tls.key }
      for (const more of [{ username, password, tls: { ca_file: tls.ca } }, { tls: certificate }]) {
        const connection = { urls: [`amqps://localhost:${ports.amqps}`], ...more }
        const consumer = await Consumer.open(amqp091, parse(amqp091, queue, { ...raw(queue), connection }))
        await rabbit.produce(queue, numbered(1))
        await (await consumer.take(1))[0]!.settle('accepted')
        await consumer.source.close()
      }
    })

    test('does not trust a certificate of an authority that it was not told of, nor one with another name', async () => {
      const { tls, ports, username, password } = broker()
      const queue = await rabbit.declare()
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
      const { tls } = broker()
      const queue = await rabbit.declare()
      const files = { ca_file: tls.ca, cert_file: tls.cert, key_file: tls.key }
      const connection = { urls: [`amqp://127.0.0.1:${rabbit.address.port}`], tls: files }
      const at = parse(amqp091, queue, { ...raw(queue), connection })
      await assert.rejects(Consumer.open(amqp091, at), /certificate/)
    })

    test('keeps the types of headers, and other users of amqplib in the process see what they always saw', async t => {
      const queue = await rabbit.declare()
      await rabbit.produce(queue, [Buffer.from('typed')], {
        headers: {
          int: 5,
          int64: { '!': 'int64', value: 2n ** 53n + 1n },
          double: { '!': 'double', value: 5 },
          float: { '!': 'float', value: 0.5 },
          time: { '!': 'timestamp', value: 1_700_000_000 },
          decimal: { '!': 'decimal', value: { places: 2, digits: 1234 } },
          bytes: Buffer.of(0, 255),
          null: null,
          list: [true, { nested: { '!': 'short', value: 7 } }],
        },
      })
      const consumer = await open(t, queue)
      const [delivery] = await consumer.take(1)
      assert.deepEqual(delivery!.message.headers, {
        int: { type: 'int8', value: 5 },
        int64: { type: 'int64', value: 2n ** 53n + 1n },
        double: { type: 'float64', value: 5 },
        float: { type: 'float32', value: 0.5 },
        time: { type: 'timestamp', value: 1_700_000_000_000 },
        decimal: { type: 'decimal', value: '12.34' },
        bytes: { type: 'bytes', value: Uint8Array.of(0, 255) },
        null: { type: 'null' },
        list: {
          type: 'list',
          value: [
            { type: 'bool', value: true },
            {
              type: 'map',
              value: [
                [
                  { type: 'string', value: 'nested' },
                  { type: 'int16', value: 7 },
                ],
              ],
            },
          ],
        },
      })
      const seen = await rabbit.declare()
      await rabbit.produce(seen, numbered(2), { headers: { n: 5 }, contentType: 'text/plain' })
      const { host, port } = rabbit.address
      const fresh = await connect({ hostname: host, port, ...login() })
      t.after(() => fresh.close())
      for (const channel of [rabbit.channel, await fresh.createChannel()]) {
        const message = await channel.get(seen)
        assert.ok(message)
        assert.equal(message.properties.contentType, 'text/plain')
        assert.equal(message.properties.headers?.n, 5)
        channel.ack(message)
      }
    })

    test('a busy process does not miss its heart-beats', async t => {
      const queue = await rabbit.declare()
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
      await rabbit.produce(queue, numbered(1))
      await (await consumer.take(1))[0]!.settle('accepted')
    })
  })
}

/** Takes one message after the other and grants as a route does: one more with each that was settled. */
class Slow {
  readonly accepted: string[] = []
  /** Messages whose delivery count was not 0. */
  again = 0
  /** The most that were unsettled at a time. */
  most = 0
  source: Source | undefined
  readonly #prefetch: number
  #window = 1
  #waiting: Delivery[] = []
  #outstanding = 0

  constructor(prefetch: number) {
    this.#prefetch = prefetch
  }

  async open(t: TestContext, at: At): Promise<void> {
    this.#window = 1
    this.#outstanding = 0
    this.#waiting = []
    const context = { signal: t.signal, report: () => {} }
    this.source = await amqp091.source!.open(at, delivery => this.#take(delivery), context)
    t.after(() => this.source!.close())
    this.#grant()
  }

  firstOutOfOrder(): string | undefined {
    return this.accepted.find((id, i) => id !== `m${i}`)
  }

  #grant(): void {
    const more = this.#window - this.#outstanding
    if (more <= 0) return
    this.#outstanding += more
    this.source!.grant(more, 2 ** 30)
  }

  #take(delivery: Delivery): void {
    this.again += delivery.deliveryCount === 0 ? 0 : 1
    this.#waiting.push(delivery)
    this.most = Math.max(this.most, this.#waiting.length)
    if (this.#waiting.length === 1) setImmediate(() => void this.#settle())
  }

  /** A few at a time, as a target with a round trip would. */
  async #settle(): Promise<void> {
    const some = this.#waiting.slice(0, 10)
    try {
      await Promise.all(some.map(d => d.settle('accepted')))
    } catch {
      return
    }
    this.accepted.push(...some.map(d => idOf(d.message)))
    this.#waiting.splice(0, some.length)
    this.#outstanding -= some.length
    this.#window = Math.min(this.#prefetch, this.#window + some.length)
    this.#grant()
    if (this.#waiting.length > 0) setTimeout(() => void this.#settle(), 1)
  }
}

/** A fixed shuffle. */
const mixed = (id: string): number => (Number(id.slice(1)) * 7919) % 601
