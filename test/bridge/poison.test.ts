import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, bytesOf, deadFolder, numbered, quick, suiteAws } from './setting.ts'
import { sources } from './sources.ts'

let aws: TestAws

// Brokers that give their messages no id that stays, and count no deliveries.
for (const source of [sources.mqtt5, sources.amqp091Rabbit3]) {
  await describeOnBroker(source.broker, `the bridge from ${source.title}`, broker => {
    suiteAws(started => {
      aws = started
    })

    test('finds the message with which its connection dies each time, across reconnects, and the rest moves on', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      await using proxy = await startProxy(open.address)
      const [place, queue] = [await open.create(), `poison-${source.broker}`]
      const dead = deadFolder(t)
      await aws.createQueue(queue)
      const { connection, from } = open.config(place, proxy)
      const bridge = await runBridge(t, {
        defaults: { ...quick, retry: { initial: '20ms', max: '100ms', max_attempts: 4 } },
        connections: { broker: connection, cloud: awsConnection('sqs', aws) },
        routes: {
          poison: {
            from: { connection: 'broker', ...from },
            targets: { main: { connection: 'cloud', queue } },
            dead_letter: [{ folder: dead.path }],
          },
        },
      })
      await bridge.connected()
      let deaths = 0
      const fault = aws.faults.failEntries({
        code: 'never',
        senderFault: false,
        when: ({ body }) => {
          if (body === 'poison') {
            deaths++
            proxy.cut()
          }
          return false
        },
      })
      t.after(() => fault.end())
      const good = numbered(60)
      await open.produce(place, [...good.slice(0, 20), Buffer.from('poison'), ...good.slice(20, 40)])
      await until(async () => (await dead.letters()).length > 0, { what: 'the dead letter', timeout: 90_000 })
      await open.produce(place, good.slice(40))
      await arrived(aws, queue, good)
      const letters = await dead.letters()
      assert.deepEqual(
        new Set(letters.map(({ message }) => bytesOf(message).toString())),
        new Set(['poison']),
      )
      assert.match(letters[0]!.reason, /connection to the source was lost \d+ times soon after this message/)
      // How many more it takes depends on how fast the machine is: a test counts where the link lived ten times as long as a death takes.
      assert.ok(deaths >= 4, `found after ${deaths} deaths`)
      assert.equal(await bridge.stop(), 0)
    })
  })
}
