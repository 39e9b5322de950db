import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connect } from 'amqplib'
import type { RabbitBench } from './amqp091-bench.ts'
import { numbered } from './amqp091-rabbit.ts'

/** Typed headers beside other users of the library. */
export function types(bench: RabbitBench): void {
  const { login, open } = bench

  test('keeps the types of headers, and other users of amqplib in the process see what they always saw', async t => {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.produce(queue, [Buffer.from('typed')], {
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
    const seen = await bench.rabbit.declare()
    await bench.rabbit.produce(seen, numbered(2), { headers: { n: 5 }, contentType: 'text/plain' })
    const { host, port } = bench.rabbit.address
    const fresh = await connect({ hostname: host, port, ...login() })
    t.after(() => fresh.close())
    for (const channel of [bench.rabbit.channel, await fresh.createChannel()]) {
      const message = await channel.get(seen)
      assert.ok(message)
      assert.equal(message.properties.contentType, 'text/plain')
      assert.equal(message.properties.headers?.n, 5)
      channel.ack(message)
    }
  })
}
