import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, suiteAws } from './setting.ts'

const count = 300

await describeOnBroker('rabbitmq4', `${count} routes on one connection`, broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  // RabbitMQ 4 takes 64 sessions on a connection of AMQP 1.0, and each link has one.
  for (const [protocol, connections] of [
    ['amqp10', 10],
    ['amqp091', 1],
  ] as const) {
    test(`carry their messages over ${connections} of ${protocol}`, { timeout: 120_000 }, async t => {
      const { host, ports, username, password } = broker
      const rabbit = await Rabbit.connect({ host, port: ports.amqp! }, broker)
      t.after(() => rabbit.close())
      const proxy = await startProxy({ host, port: ports.amqp! })
      t.after(() => proxy.close())
      const queues = await Promise.all(Array.from({ length: count }, () => rabbit.declare()))
      for (const queue of queues) rabbit.channel.sendToQueue(queue, Buffer.from(queue))
      await rabbit.channel.waitForConfirms()
      const all = `all-${protocol}`
      await aws.createQueue(all)
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }], from: { mq: { prefetch: 20 } } },
        connections: {
          mq: { protocol, urls: [`amqp://127.0.0.1:${proxy.port}`], username, password },
          cloud: awsConnection('sqs', aws),
        },
        routes: {
          'from-${item}': {
            for_each: queues,
            from: { connection: 'mq', queue: '${item}' },
            targets: { main: { connection: 'cloud', queue: all } },
          },
        },
      })
      await until(() => bodiesIn(aws, all).length >= count, {
        what: 'a message of each route',
        timeout: 60_000,
      })
      assert.deepEqual(bodiesIn(aws, all).toSorted(), queues.toSorted())
      assert.equal(proxy.connections, connections)
      assert.equal(await bridge.stop(), 0)
    })
  }
})
