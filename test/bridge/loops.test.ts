import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import mqtt from 'mqtt'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import { runBridge } from '../support/bridge-process.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, suiteAws } from './setting.ts'

/** A place on a broker and a queue of SQS, each carried to the other. */
async function mirrored(
  t: TestContext,
  aws: TestAws,
  legacy: object,
  from: object,
  to: object,
  loop: string,
) {
  const queue = `mirror-${randomUUID().slice(0, 8)}`
  await aws.createQueue(queue)
  const dead = deadFolder(t)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: { legacy, cloud: awsConnection('sqs', aws) },
    routes: {
      forth: {
        from: { connection: 'legacy', ...from },
        targets: { main: { connection: 'cloud', queue } },
        loop,
      },
      back: {
        from: { connection: 'cloud', queue, wait: '1s' },
        targets: { main: { connection: 'legacy', ...to } },
        loop,
      },
    },
  })
  await bridge.connected()
  return { bridge, dead, queue }
}

/** Each message went forth and back once and no further: it ended when it came to the first route again. */
async function endsAfterOneRound(
  { bridge, dead, queue }: Awaited<ReturnType<typeof mirrored>>,
  aws: TestAws,
  loop: string,
  count: number,
): Promise<void> {
  const ended = async () =>
    loop === 'drop'
      ? await bridge.metric('sluice_messages_looped_total', { route: 'forth' })
      : (await dead.letters()).length
  await until(async () => (await ended()) >= count, { what: `${count} that came back` })
  await until(() => bodiesIn(aws, queue).length === 0, { what: 'an empty queue' })
  assert.equal(await bridge.stop(), 0)
  const letters = await dead.letters()
  assert.equal(letters.length, loop === 'drop' ? 0 : count)
  for (const { route, reason } of letters) {
    assert.equal(route, 'forth')
    assert.match(reason, /came back to the route forth.*sluice\/forth sluice\/back/)
  }
}

const login = ({ username, password }: Broker) => ({ username, password })

await describeOnBroker('rabbitmq4', 'a circle of two routes', broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  for (const [protocol, loop] of [
    ['amqp091', 'dead_letter'],
    ['amqp091', 'drop'],
    ['amqp10', 'dead_letter'],
  ] as const) {
    test(`over ${protocol} is left after one round, loop: ${loop}`, async t => {
      const rabbit = await Rabbit.connect({ host: broker.host, port: broker.ports.amqp! }, broker)
      t.after(() => rabbit.close())
      const queue = await rabbit.declare()
      const urls = [`amqp://${broker.host}:${broker.ports.amqp}`]
      const circle = await mirrored(t, aws, { protocol, urls, ...login(broker) }, { queue }, { queue }, loop)
      const bodies = Array.from({ length: 20 }, (_, i) => Buffer.from(`m${i}`))
      await rabbit.produce(queue, bodies, { headers: { mine: 1 } })
      await endsAfterOneRound(circle, aws, loop, 20)
      assert.equal(await rabbit.ready(queue), 0)
    })
  }
})

await describeOnBroker('mosquitto', 'a circle of two routes', broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  test('over MQTT 5 is left after one round', async t => {
    const urls = [`mqtt://${broker.host}:${broker.ports.mqtt}`]
    const topic = `mirror/${randomUUID()}`
    const legacy = { protocol: 'mqtt', version: 5, urls, ...login(broker) }
    const circle = await mirrored(t, aws, legacy, { topic }, { topic }, 'dead_letter')
    const client = await mqtt.connectAsync({ ...login(broker), host: broker.host, port: broker.ports.mqtt! })
    t.after(() => client.endAsync())
    for (let i = 0; i < 20; i++) await client.publishAsync(topic, `m${i}`, { qos: 1 })
    await endsAfterOneRound(circle, aws, 'dead_letter', 20)
  })
})
