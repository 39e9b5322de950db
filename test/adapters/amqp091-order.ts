import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Options } from 'amqplib'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import type { Source } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import type { At, RabbitBench } from './amqp091-bench.ts'
import { numbered, quorum } from './amqp091-rabbit.ts'
import { idOf, type TcpAddress } from './fixture.ts'

/** The window on the wire, and the order of the queue. */
export function windowAndOrder(bench: RabbitBench): void {
  const { endpoint, open, ready } = bench

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
      const queue = await bench.rabbit.declare(options)
      await bench.rabbit.produce(queue, numbered(3))
      const consumer = await open(t, queue)
      await Promise.all((await consumer.take(3)).map(d => d.settle('accepted')))
      await consumer.source.close()
      await ready(queue, 0)
    })
  }

  test('takes nothing from a queue before the first grant', async t => {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, numbered(3))
    await open(t, queue)
    assert.equal(await bench.rabbit.ready(queue), 3)
  })

  test('one granted is one out on the broker, and what is settled is replaced only as granted', async t => {
    const queue = await bench.rabbit.declare(quorum)
    await bench.rabbit.produce(queue, numbered(20))
    const consumer = await open(t, queue)
    const [first] = await consumer.take(1)
    await ready(queue, 19)
    await first!.settle('accepted')
    await consumer.take(2)
    await Promise.all(consumer.deliveries.slice(1).map(d => d.settle('accepted')))
    consumer.grant(4)
    await consumer.came(7)
    await until(async () => (await bench.rabbit.ready(queue)) >= 9, { what: 'at most twice the window out' })
  })

  for (const [kind, options] of Object.entries<Options.AssertQueue>({ classic: {}, quorum })) {
    test(`keeps the order of a ${kind} queue while the window grows to the prefetch`, async t => {
      const [count, prefetch] = [3000, 200]
      const queue = await bench.rabbit.declare(options)
      await bench.rabbit.produce(queue, numbered(count))
      const consumer = new Slow(prefetch)
      await consumer.open(t, endpoint(queue, undefined, { prefetch }))
      await until(() => consumer.accepted.length >= count, { what: 'all messages' })
      assert.deepEqual(consumer.outOfOrder(), undefined)
      assert.ok(consumer.again === 0, `${consumer.again} messages had been delivered before`)
      assert.ok(consumer.most >= prefetch - 1, `at most ${consumer.most} unsettled`)
      await consumer.source!.close()
      await ready(queue, 0)
    })

    test(`loses nothing of a ${kind} queue when it stops in the middle of busy traffic`, async t => {
      const count = 2000
      const queue = await bench.rabbit.declare(options)
      await bench.rabbit.produce(queue, numbered(count))
      const consumer = new Slow(50)
      for (let i = 1; i <= 6; i++) {
        await consumer.open(t, endpoint(queue, undefined, { prefetch: 50 }))
        const enough = i < 6 ? i * 100 + 37 : count
        await until(() => consumer.accepted.length >= enough, { what: `${enough} messages` })
        if (i % 2 === 0) await consumer.source!.stop()
        await consumer.source!.close()
        // A quorum queue hears later than we do that the channel is gone, and until then keeps what was on its way there.
        await ready(queue, count - consumer.accepted.length)
      }
      assert.equal(new Set(consumer.accepted).size, count)
      assert.equal(consumer.accepted.length, count)
    })

    for (const key of ['exclusive', 'single_active_consumer'] as const) {
      const declared = key === 'exclusive' ? options : withSingleActive(options)

      test(`${key}: keeps the order of a ${kind} queue over stops and cuts`, async t => {
        const count = 2000
        const queue = await bench.rabbit.declare(declared)
        await bench.rabbit.produce(queue, numbered(count))
        const proxy = await startProxy(bench.rabbit.address)
        t.after(() => proxy.close())
        const at = () => endpoint(queue, proxy, { prefetch: 50, [key]: true })
        const consumer = new Slow(50)
        for (let i = 1; i <= 8; i++) {
          await consumer.openSoon(t, at())
          const enough = i < 8 ? consumer.accepted.length + 37 * i : Number.POSITIVE_INFINITY
          await until(() => consumer.accepted.length >= enough || consumer.isAt(`m${count - 1}`), {
            what: 'more messages',
          })
          if (i % 3 === 0) await consumer.source!.stop()
          if (i % 3 === 1) proxy.cut()
          await consumer.source!.close()
        }
        assert.deepEqual(consumer.outOfOrder(), undefined)
        assert.equal(new Set(consumer.accepted).size, count)
      })
    }

    test(`single_active_consumer: another one stands by, and takes over a ${kind} queue in order`, async t => {
      const count = 1200
      const queue = await bench.rabbit.declare(withSingleActive(options))
      await bench.rabbit.produce(queue, numbered(count))
      const proxy = await startProxy(bench.rabbit.address)
      t.after(() => proxy.close())
      const at = (via?: TcpAddress) => endpoint(queue, via, { prefetch: 50, single_active_consumer: true })
      const accepted: string[] = []
      const [first, second, third] = [new Slow(50, accepted), new Slow(50, accepted), new Slow(50, accepted)]
      await first.open(t, at())
      await until(() => accepted.length > 0, { what: 'the first message' })
      await second.open(t, at(proxy))
      await third.open(t, at())
      await until(() => accepted.length > 300, { what: '300 messages' })
      assert.equal(second.most, 0, 'nothing came to the one that stands by')
      await first.source!.close()
      await until(() => accepted.length > 600, { what: '600 messages' })
      assert.equal(third.most, 0, 'nothing came to the one that stands by')
      proxy.cut()
      await until(() => third.isAt(`m${count - 1}`), { what: 'the last message' })
      assert.deepEqual(third.outOfOrder(), undefined)
      assert.equal(new Set(accepted).size, count)
    })
  }

  test('one consumer for its whole life: what comes and is not granted waits, and goes back in order', async t => {
    const queue = await bench.rabbit.declare(quorum)
    await bench.rabbit.produce(queue, numbered(30))
    const options = { prefetch: 10, exclusive: true }
    const consumer = await open(t, endpoint(queue, undefined, options))
    const [first] = await consumer.take(1)
    await ready(queue, 20)
    assert.equal(consumer.deliveries.length, 1)
    await first!.settle('accepted')
    await ready(queue, 19)
    await consumer.source.stop()
    await consumer.source.close()
    await ready(queue, 29)
    const next = await open(t, endpoint(queue, undefined, options))
    await next.take(10)
    assert.deepEqual(next.ids, numbered(10, 1).map(String))
  })

  test('two messages that take for ever do not keep a third away that was granted', async t => {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, numbered(5))
    const consumer = await open(t, queue)
    await consumer.take(2)
    await consumer.take(1)
    assert.deepEqual(consumer.ids, ['m0', 'm1', 'm2'])
  })
}

const withSingleActive = (options: Options.AssertQueue): Options.AssertQueue => ({
  ...options,
  arguments: { ...options.arguments, 'x-single-active-consumer': true },
})

/** Takes one message after the other and grants as a route does: one more with each that was settled. */
class Slow {
  readonly accepted: string[]
  /** Messages whose delivery count was not 0. */
  again = 0
  /** The most that were unsettled at a time. */
  most = 0
  source: Source | undefined
  readonly #prefetch: number
  #window = 1
  #waiting: Delivery[] = []
  #outstanding = 0
  #next: NodeJS.Timeout | undefined

  constructor(prefetch: number, accepted: string[] = []) {
    this.#prefetch = prefetch
    this.accepted = accepted
  }

  /** As soon as the broker knows that the one before is gone. */
  async openSoon(t: TestContext, at: At): Promise<void> {
    await until(() => this.open(t, at).then(() => true), { what: 'the queue to be free' })
  }

  isAt(id: string): boolean {
    return this.accepted.at(-1) === id
  }

  async open(t: TestContext, at: At): Promise<void> {
    clearTimeout(this.#next)
    this.#window = 1
    this.#outstanding = 0
    this.#waiting = []
    const context = { signal: t.signal, report: () => {} }
    this.source = await amqp091.source!.open(at, delivery => this.#take(delivery), context)
    t.after(() => this.source!.close())
    this.#grant()
  }

  /** What came around the first message that is out of order; what comes again after a cut does not count. */
  outOfOrder(): string | undefined {
    const came = [...new Set(this.accepted)]
    const at = came.findIndex((id, i) => id !== `m${i}`)
    return at < 0 ? undefined : came.slice(Math.max(0, at - 3), at + 30).join(' ')
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
    if (this.#waiting.length === 1) this.#settleSoon()
  }

  #settleSoon(): void {
    clearTimeout(this.#next)
    this.#next = setTimeout(() => void this.#settle())
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
    if (this.#waiting.length > 0) this.#settleSoon()
  }
}
