import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { arrived, awsConnection, deadFolder, inQueue, numbered, quick, suiteAws, titleOf } from './setting.ts'
import { type SourceCase, sources } from './sources.ts'

let aws: TestAws
const bodies = numbered(100)

for (const [key, source] of Object.entries(sources)) {
  await describeOnBroker(source.broker, titleOf(source), broker => {
    suiteAws(started => {
      aws = started
    })
    test('carries to a queue, a FIFO queue and a topic, and leaves nothing behind', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const dead = deadFolder(t)
      const [standard, fifo, first, second] = [`${key}-out`, `${key}-out.fifo`, `${key}-1`, `${key}-2`]
      for (const queue of [standard, fifo]) await aws.createQueue(queue)
      const topic = await aws.createTopic(`${key}-topic`)
      for (const queue of [first, second]) {
        await aws.subscribeQueue(topic, await aws.createQueue(queue), true)
      }
      const targets = {
        standard: { connection: 'queues', queue: standard },
        fifo: { connection: 'queues', queue: fifo },
        topic: { connection: 'topics', topic },
      }
      const places = await Promise.all(Object.keys(targets).map(() => open.create()))
      const config = {
        defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
        connections: {
          broker: open.config(places[0]!).connection,
          queues: awsConnection('sqs', aws),
          topics: awsConnection('sns', aws),
        },
        routes: Object.fromEntries(
          Object.entries(targets).map(([route, main], i) => [
            route,
            {
              from: { connection: 'broker', ...open.config(places[i]!).from },
              targets: { main },
              // A FIFO target asks for an order that not every source here can give as it is configured.
              ordering: 'none',
            },
          ]),
        ),
      }

      const bridge = await runBridge(t, config)
      await bridge.connected()
      const { headers } = source
      await Promise.all(
        places.map(async place => {
          await open.send(place, Buffer.from('with headers'), headers)
          await open.produce(place, bodies)
        }),
      )
      const all = [Buffer.from('with headers'), ...bodies]
      for (const queue of [standard, fifo, first, second]) {
        await arrived(aws, queue, all)
        assert.equal(inQueue(aws, queue).length, all.length, `repeated in ${queue}`)
        const { sluice_properties, ...found } = inQueue(aws, queue).find(
          m => m.body === 'with headers',
        )!.messageAttributes
        const viaTopic = queue === first || queue === second
        const expected = viaTopic ? ofTopic(source.attributes) : source.attributes
        assert.deepEqual(plain(found), expected, queue)
      }
      assert.equal(await bridge.stop(), 0)
      assert.match(bridge.out(), /stopped; everything was finished/)

      // Whatever the first run had left unsettled would come again now.
      const again = await runBridge(t, config)
      await Promise.all(places.map(place => open.produce(place, [Buffer.from('last')])))
      for (const queue of [standard, fifo, first, second]) {
        await arrived(aws, queue, [Buffer.from('last')])
        assert.equal(inQueue(aws, queue).length, all.length + 1, `came again in ${queue}`)
      }
      assert.equal(await again.stop(), 0)
      for (const place of places) assert.equal((await open.left?.(place)) ?? 0, 0)
      assert.deepEqual(await dead.letters(), [])
    })
  })
}

const plain = (attributes: object) => JSON.parse(JSON.stringify(attributes))

/** SNS takes no Number above 10^9 and no character above U+FFFF in an attribute. */
const ofTopic = (attributes: SourceCase['attributes']) => ({
  ...attributes,
  ...(attributes.count && { count: { ...attributes.count, DataType: 'String.long' } }),
  ...(attributes.tenant && {
    tenant: { DataType: 'String.json', StringValue: '"Grüße \\ud83d\\ude00"' },
  }),
})
