import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, deadFolder, numbered, quick, suiteAws, titleOf } from './setting.ts'
import { sources } from './sources.ts'

for (const source of [sources.amqp10Rabbit4, sources.amqp091Rabbit4, sources.amqp091Rabbit3]) {
  await describeOnBroker(source.broker, titleOf(source), broker => {
    let aws: TestAws
    suiteAws(started => {
      aws = started
    })

    test('gives back what was held for too long, stays away while its target does, and carries all of it then', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const rabbit = await Rabbit.connect({ host: broker.host, port: broker.ports.amqp! }, broker)
      t.after(() => rabbit.close())
      const place = await open.create()
      const queue = `held-${place}`
      await aws.createQueue(queue)
      const dead = deadFolder(t)
      const { connection, from } = open.config(place)
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
        connections: { broker: connection, cloud: awsConnection('sqs', aws) },
        routes: {
          held: {
            from: { connection: 'broker', ...from, prefetch: 20, hold_limit: '1s' },
            targets: { main: { connection: 'cloud', queue } },
          },
        },
      })
      await bridge.connected()
      await open.produce(place, numbered(100, 'before '))
      await arrived(aws, queue, numbered(100, 'before '))
      // What arrived and is not settled would be given back as well.
      await until(async () => (await bridge.metric('sluice_messages_buffered')) === 0, {
        what: 'all settled',
      })

      await aws.faults.goDown()
      const during = numbered(50, 'during ')
      await open.produce(place, during)
      await bridge.logged({ route: 'held', msg: /given back/, reason: /as long as its broker allows/ })
      await until(async () => (await rabbit.ready(place)) === 50, { what: 'all to be the broker’s again' })
      const asked = await bridge.metric('sluice_breakers_opened_total')
      await until(async () => (await bridge.metric('sluice_breakers_opened_total')) >= asked + 2, {
        what: 'two more looks at the target',
      })
      assert.equal(await rabbit.ready(place), 50)
      assert.equal(await bridge.metric('sluice_source_up'), 0)
      assert.equal(await bridge.metric('sluice_sources_given_back_total'), 1)
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(bridge.out())!
      const { down } = (await (await fetch(`${url}/readyz?strict`)).json()) as {
        down: { link: string; breaker?: string; error?: string }[]
      }
      assert.match(down.find(d => d.link === 'source')!.error!, /held for 1 s, as long as its broker allows/)
      const target = down.find(d => d.link === 'main')!
      assert.match(target.error!, /cannot be reached/)
      assert.match(target.breaker!, /open/)

      await aws.faults.comeUp()
      await arrived(aws, queue, during)
      await until(async () => (await rabbit.ready(place)) === 0, { what: 'an empty queue' })
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await dead.letters(), [])
    })
  })
}
