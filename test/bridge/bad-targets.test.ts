import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import { mosquittoWithAcl } from '../adapters/mqtt-acl-broker.ts'
import { runBridge } from '../support/bridge-process.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, suiteAws } from './setting.ts'

/** From a queue of SQS to a broker, by one route. */
async function back(t: TestContext, aws: TestAws, connection: object, target: object) {
  const queue = `back-${randomUUID().slice(0, 8)}`
  const QueueUrl = await aws.createQueue(queue)
  const dead = deadFolder(t)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: { cloud: awsConnection('sqs', aws), legacy: connection },
    routes: {
      back: {
        from: { connection: 'cloud', queue, wait: '1s' },
        targets: { main: { connection: 'legacy', ...target } },
      },
    },
  })
  const send = (body: string, place: string) =>
    aws.sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: body,
        MessageAttributes: { place: { DataType: 'String', StringValue: place } },
      }),
    )
  const left = () => bodiesIn(aws, queue).length
  return { bridge, dead, send, left }
}

const rabbitConnection = ({ host, ports, username, password }: Broker, protocol: string) => ({
  protocol,
  urls: [`amqp://${host}:${ports.amqp}`],
  username,
  password,
})

await describeOnBroker('rabbitmq4', 'the bridge to places that are not there', broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  for (const protocol of ['amqp091', 'amqp10']) {
    test(`${protocol}: a fixed queue that is missing holds the route, says so, and is used once it is there`, async t => {
      const rabbit = await Rabbit.connect({ host: broker.host, port: broker.ports.amqp! }, broker)
      t.after(() => rabbit.close())
      const queue = `sluice-missing-${randomUUID()}`
      const { bridge, dead, send } = await back(t, aws, rabbitConnection(broker, protocol), { queue })
      for (const body of ['a', 'b', 'c']) await send(body, '')
      const line = await bridge.logged({ route: 'back', link: 'main', reason: new RegExp(queue) })
      assert.match(line.reason!, /no queue|not found|NOT_FOUND|not_found|unroutable|not there|missing/i)
      await rabbit.declare({}, queue)
      await until(async () => (await rabbit.ready(queue)) === 3, { what: 'all three' })
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await dead.letters(), [])
    })

    test(`${protocol}: a message whose own queue is missing is a dead letter that names it, and the others go on`, async t => {
      const rabbit = await Rabbit.connect({ host: broker.host, port: broker.ports.amqp! }, broker)
      t.after(() => rabbit.close())
      const good = await rabbit.declare()
      const gone = `sluice-gone-${randomUUID()}`
      const { bridge, dead, send, left } = await back(t, aws, rabbitConnection(broker, protocol), {
        queue: '${headers.place}',
        allow: ['*'],
      })
      for (let i = 0; i < 30; i++) await send(`m${i}`, i % 10 === 3 ? gone : good)
      await until(async () => (await rabbit.ready(good)) >= 27, { what: 'the others' })
      await until(async () => (await dead.letters()).length === 3, { what: 'three dead letters' })
      await until(() => left() === 0, { what: 'an empty queue' })
      assert.equal(await bridge.metric('sluice_breaker_state'), 0)
      assert.equal(await bridge.stop(), 0)
      for (const letter of await dead.letters()) assert.match(letter.reason, new RegExp(gone))
      assert.equal(await rabbit.ready(good), 27)
    })
  }
})

await describeOnBroker('mosquitto', 'the bridge to topics that the broker forbids', () => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  for (const chosen of [false, true]) {
    const what = chosen ? 'that a message chose is its dead letter' : 'that is fixed holds the route'
    test(`over MQTT 5 one ${what}, with a clear reason`, async t => {
      const acl = await mosquittoWithAcl()
      if (!acl) return t.skip('Mosquitto runs in a container')
      t.after(() => acl[Symbol.asyncDispose]())
      const { host, port } = acl.broker
      const connection = {
        protocol: 'mqtt',
        version: 5,
        urls: [`mqtt://${host}:${port}`],
        username: 'anybody',
      }
      const target = chosen ? { topic: '${headers.place}', allow: ['*'] } : { topic: 'forbidden/cmd' }
      const { bridge, dead, send, left } = await back(t, aws, connection, target)
      await send('a', 'forbidden/cmd')
      await send('b', 'fine/cmd')
      if (chosen) {
        await until(() => left() === 0, { what: 'both settled' })
        const [letter, ...more] = await dead.letters()
        assert.deepEqual(more, [])
        assert.match(letter!.reason, /forbidden\/cmd/)
        assert.match(letter!.reason, /not authorized|forbid|permi|ACL/i)
      } else {
        const line = await bridge.logged({ route: 'back', target: 'main', reason: /forbidden\/cmd/ })
        assert.match(line.reason!, /not authorized|forbid|permi|ACL/i)
        assert.equal(left(), 2)
        assert.deepEqual(await dead.letters(), [])
      }
      await bridge.kill()
    })
  }
})
