import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import type { Source } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { until } from '../support/until.ts'
import type { At, RabbitBench } from './amqp091-bench.ts'
import { numbered, quorum } from './amqp091-rabbit.ts'
import { idOf } from './fixture.ts'

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

  for (const [kind, options] of Object.entries({ classic: {}, quorum })) {
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

    // A quorum queue of RabbitMQ 4.0 takes back in two runs, now and then, what one channel held: seen were 347 to 370 before
    // 342 to 346, with everything back before the next consumer came. So order over a stop is promised for classic queues.
    const what = kind === 'classic' ? 'keeps the order' : 'loses nothing'
    test(`${what} of a ${kind} queue when it stops in the middle of busy traffic`, async t => {
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
      if (kind === 'classic') assert.deepEqual(consumer.outOfOrder(), undefined)
      assert.equal(new Set(consumer.accepted).size, count)
      assert.equal(consumer.accepted.length, count)
    })
  }

  test('two messages that take for ever do not keep a third away that was granted', async t => {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, numbered(5))
    const consumer = await open(t, queue)
    await consumer.take(2)
    await consumer.take(1)
    assert.deepEqual(consumer.ids, ['m0', 'm1', 'm2'])
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
  #next: NodeJS.Timeout | undefined

  constructor(prefetch: number) {
    this.#prefetch = prefetch
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

  /** What came around the first message that is out of order. */
  outOfOrder(): string | undefined {
    const at = this.accepted.findIndex((id, i) => id !== `m${i}`)
    return at < 0 ? undefined : this.accepted.slice(Math.max(0, at - 3), at + 30).join(' ')
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
