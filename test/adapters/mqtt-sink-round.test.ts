import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import type { Message } from '../../src/core/message.ts'
import { nothing, text, type Value } from '../../src/core/value.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { mqttBroker } from './mqtt-cases.ts'
import { connectionTo, leave, plainClient, uniqueName } from './mqtt-fixture.ts'
import { endpoint, Opened } from './mqtt-opened.ts'
import { plain } from './promises/expect.ts'

const never = new AbortController().signal
const bytes = Buffer.from([0, 1, 128, 255])
const values: readonly Value[] = [
  nothing,
  { type: 'bool', value: true },
  { type: 'int8', value: -128 },
  { type: 'int64', value: 9_007_199_254_740_993n },
  { type: 'uint32', value: 4_294_967_295 },
  { type: 'float32', value: 0.5 },
  { type: 'float64', value: Number.NaN },
  text(''),
  text('Grüße 😀'),
  text('a\u0000\u0001\u0085\ufdd0'),
  { type: 'uuid', value: '00112233-4455-6677-8899-aabbccddeeff' },
  { type: 'bytes', value: bytes },
  { type: 'timestamp', value: 1_700_000_000_123 },
  { type: 'list', value: [text('one'), text('two'), text('')] },
  { type: 'list', value: [text('one')] },
  { type: 'map', value: [[text('k'), { type: 'int16', value: 5 }]] },
]
const headers = Object.fromEntries(values.map((value, i) => [`h${i}`, value]))
const properties: Message['properties'] = {
  messageId: text('ID:1'),
  correlationId: { type: 'uint64', value: 7n },
  replyTo: 'replies/here',
  contentType: 'text/plain',
  contentEncoding: 'gzip',
  subject: 'subject',
  groupId: 'g',
  groupSequence: 3,
  priority: 9,
  durable: true,
  createdAt: 1_700_000_000_000,
  expiresAt: 4_000_000_000_123,
  userId: text('me'),
  appId: 'app',
  trail: '[["bridge","route"]]',
}
const bodies: readonly Message['body'][] = [
  { kind: 'text', text: 'Grüße 😀' },
  { kind: 'text', text: '' },
  { kind: 'text', text: 'a\u0000\ud800' },
  { kind: 'bytes', bytes },
  { kind: 'bytes', bytes: Buffer.alloc(0) },
  { kind: 'object', bytes },
  { kind: 'map', entries: [[text('a'), { type: 'int32', value: 1 }]] },
  { kind: 'map', entries: [[{ type: 'int32', value: 1 }, text('no JSON')]] },
  { kind: 'list', items: values },
  { kind: 'none' },
]

function target(connection: Parameters<typeof connectionTo>, sink: object) {
  return {
    connection: mqtt.connection.parse(connectionTo(...connection)),
    connectionName: 'test',
    route: 'round',
    options: mqtt.sink!.options.parse(sink),
  }
}

for (const name of ['mosquitto', 'rabbitmq4', 'artemis'] as const) {
  await describeOnBroker(name, 'MQTT 5 and back', found => {
    const broker = mqttBroker(found)

    test('a message out and in again is the message that it was', async t => {
      const topic = uniqueName()
      await using source = await Opened.at(endpoint(connectionTo(broker, 5), { topic, session: 'clean' }))
      source.grant(100)
      const at = target([broker, 5], { topic })
      const sink = await mqtt.sink!.open(at, { signal: never, report: () => {} })
      t.after(() => sink.close())
      for (const [i, body] of bodies.entries()) {
        const message = { address: topic, body, properties, headers }
        await sink.send(mqtt.sink!.prepare(at, sink.limits, message), never)
        await source.came(i + 1)
        assert.equal(source.deliveries[i]!.fault, undefined)
        assert.deepEqual(plain(source.deliveries[i]!.message), plain(message))
      }
    })

    test('a consumer of the protocol reads the natural form', async t => {
      const topic = uniqueName()
      const consumer = await plainClient(broker, 5)
      t.after(() => leave(consumer))
      await consumer.subscribeAsync(topic, { qos: 1 })
      const at = target([broker, 5], { topic })
      const sink = await mqtt.sink!.open(at, { signal: never, report: () => {} })
      t.after(() => sink.close())
      const came = new Promise<import('mqtt').IPublishPacket>(resolve =>
        consumer.once('message', (_topic, _payload, packet) => resolve(packet)),
      )
      const message: Message = {
        address: topic,
        body: { kind: 'map', entries: [[text('a'), { type: 'int32', value: 1 }]] },
        properties: { correlationId: text('c-1'), replyTo: 'replies/here', expiresAt: Date.now() + 60_000 },
        headers: {
          tenant: text('ü'),
          count: { type: 'int32', value: 5 },
          many: { type: 'list', value: [text('x'), text('y')] },
        },
      }
      await sink.send(mqtt.sink!.prepare(at, sink.limits, message), never)
      const packet = await came
      assert.equal(packet.payload.toString(), '{"a":1}')
      const said = packet.properties!
      assert.deepEqual(
        [Boolean(said.payloadFormatIndicator), said.responseTopic, said.correlationData?.toString()],
        [true, 'replies/here', 'c-1'],
      )
      assert.ok(said.messageExpiryInterval! > 50 && said.messageExpiryInterval! <= 60)
      const { sluice_properties: _, ...users } = { ...said.userProperties }
      assert.deepEqual(users, { tenant: 'ü', count: '5', many: ['x', 'y'] })
    })

    test('retain keeps the last message of the topic, and one without body deletes it', async t => {
      const topic = uniqueName()
      const at = target([broker, 5], { topic, retain: true })
      const sink = await mqtt.sink!.open(at, { signal: never, report: () => {} })
      t.after(() => sink.close())
      const send = (body: Message['body']) =>
        sink.send(
          mqtt.sink!.prepare(at, sink.limits, { address: topic, body, properties: {}, headers: {} }),
          never,
        )
      const retained = async () => {
        const options = { topic, session: 'clean', retained: 'all' }
        await using source = await Opened.at(endpoint(connectionTo(broker, 5), options))
        source.grant(10)
        const live = target([broker, 5], { topic })
        const end = await mqtt.sink!.open(live, { signal: never, report: () => {} })
        const body = { kind: 'text', text: 'end' } as const
        const message = { address: topic, body, properties: {}, headers: {} }
        await end.send(mqtt.sink!.prepare(live, end.limits, message), never)
        while (!source.ids.includes('end')) await source.came(source.ids.length + 1)
        await end.close()
        return source.ids
      }
      await send({ kind: 'text', text: 'one' })
      await send({ kind: 'text', text: 'two' })
      assert.deepEqual(await retained(), ['two', 'end'])
      await send({ kind: 'none' })
      assert.deepEqual(await retained(), ['end'])
    })
  })
}
