import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { CloudEvent } from 'cloudevents'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, suiteAws } from './setting.ts'
import { sources } from './sources.ts'

/** The protocols with a binding of CloudEvents that is built here, on each broker, and the key that names a target there. */
const cases = {
  activemq: [sources.amqp10ActiveMq, 'queue'],
  artemis: [sources.amqp10Artemis, 'queue'],
  rabbitmq4: [sources.amqp10Rabbit4, 'queue'],
  mqtt5: [sources.mqtt5, 'topic'],
} as const

for (const [key, [source, place]] of Object.entries(cases)) {
  await describeOnBroker(source.broker, `CloudEvents over ${source.title}`, broker => {
    let aws: TestAws
    suiteAws(started => {
      aws = started
    })

    test('an order becomes a binary event, then a structured one, is taken apart and made again', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const [binary, structured] = [await open.create(), await open.create()]
      const [came, out] = [`${key}-in`, `${key}-out`]
      const QueueUrl = await aws.createQueue(came)
      await aws.createQueue(out)
      const dead = deadFolder(t)
      const format = 'cloudevents'
      const cloud = { connection: 'cloud' }
      const at = (name: string) => ({ connection: 'broker', ...open.config(name).from })
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
        connections: { broker: open.config(binary).connection, cloud: awsConnection('sqs', aws) },
        routes: {
          made: {
            from: { ...cloud, queue: came, wait: '1s' },
            mapping: [{ set: { content_type: 'application/json' } }],
            targets: {
              main: {
                connection: 'broker',
                [place]: binary,
                format,
                cloudevents: {
                  mode: 'binary',
                  source: 'https://example.com/shop',
                  type: 'com.example.order',
                },
              },
            },
          },
          turned: {
            from: at(binary),
            targets: { main: { connection: 'broker', [place]: structured, format } },
          },
          apart: {
            from: { ...at(structured), format },
            mapping: [{ set: { headers: { cloudEvents_subject: '${headers.cloudEvents_type} mapped' } } }],
            targets: { main: { ...cloud, queue: out, format } },
          },
        },
      })
      await bridge.connected()
      const client = new SQSClient({
        endpoint: aws.directEndpoint,
        region: aws.region,
        credentials: aws.credentials,
      })
      t.after(() => client.destroy())
      const { MessageId } = await client.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: '{"n": 9007199254740993}',
          MessageAttributes: {
            region: { DataType: 'String', StringValue: 'eu' },
            qty: { DataType: 'Number.int', StringValue: '5' },
            urgent: { DataType: 'Number.Boolean', StringValue: '1' },
          },
        }),
      )
      await open.send(structured, Buffer.from('no event'), {})

      const body = await until(() => bodiesIn(aws, out)[0], { what: 'the event', timeout: 30_000 })
      assert.match(body, /"data":\{"n": 9007199254740993\}\}$/)
      const { data: _, time, ...event } = JSON.parse(body)
      assert.match(time, /^20\d\d-/)
      assert.deepEqual(event, {
        specversion: '1.0',
        id: MessageId,
        source: 'https://example.com/shop',
        type: 'com.example.order',
        region: 'eu',
        qty: 5,
        urgent: true,
        subject: 'com.example.order mapped',
        datacontenttype: 'application/json',
      })
      assert.equal(new CloudEvent(JSON.parse(body)).validate(), true)
      const letter = await until(async () => (await dead.letters())[0])
      assert.match(JSON.stringify(letter), /the message is no CloudEvent that can be read: it has neither/)
      assert.equal(await bridge.stop(), 0)
      assert.equal((await dead.letters()).length, 1)
      assert.equal(bodiesIn(aws, out).length, 1)
    })
  })
}
