import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/core/delivery.ts'
import type { RabbitBench } from './amqp091-bench.ts'
import { methodFrame, nackAll } from './amqp091-frames.ts'
import { numbered, quorum } from './amqp091-rabbit.ts'
import { idOf } from './fixture.ts'

/** What becomes of messages that were settled, and of those that were not. */
export function settling(bench: RabbitBench): void {
  const { ready, endpoint, open, impostor, drain } = bench

  test('settles in any order exactly what was settled', async t => {
    const dead = await bench.rabbit.declare()
    const queue = await bench.rabbit.declare({ deadLetterExchange: '', deadLetterRoutingKey: dead })
    const count = 600
    await bench.rabbit.produce(queue, numbered(count))
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
      const queue = await bench.rabbit.declare(options)
      await bench.rabbit.produce(queue, numbered(5))
      const first = await open(t, queue)
      assert.deepEqual(
        (await first.take(5)).map(d => d.deliveryCount),
        [0, 0, 0, 0, 0],
      )
      await first.source.close()
      await ready(queue, 5)
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
    const queue = await bench.rabbit.declare(quorum)
    await bench.rabbit.produce(queue, numbered(20))
    const consumer = await open(t, endpoint(queue, via.address))
    const [first] = await consumer.take(8)
    await first!.settle('accepted')
    await consumer.source.close()
    assert.ok(via.heard.includes(nackAll(1)), 'one basic.nack of all, with requeue')
    assert.ok(!via.heard.includes(methodFrame(1, 60, 90).subarray(7, 11)), 'no basic.reject')
    const back = await drain(t, queue)
    assert.equal(back.length, 19)
  })
}

/** A fixed shuffle. */
const mixed = (id: string): number => (Number(id.slice(1)) * 7919) % 601
