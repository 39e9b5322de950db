import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CloudEvent, type CloudEventV1, MQTT, type MQTTMessage } from 'cloudevents'
import type { IPublishPacket } from 'mqtt-packet'
import { decode } from '../../src/adapters/mqtt/codec.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { apart, type Events, message, mqttPacketOf, overAmqp, strings, textIn } from './cloudevents-ends.ts'

/** The SDK of CloudEvents for JavaScript reads what is written here, and what it writes is read here. */

const attributes = {
  specversion: '1.0',
  id: 'A234-1234-1234',
  source: '/mycontext',
  type: 'com.example.someevent',
  subject: 'line 1',
  time: '2018-04-05T17:31:00.000Z',
  comexampleextension1: 'value',
}

/** Events with data of each kind, as the SDK has them, and the data as it is on the wire. */
const events: readonly (readonly [title: string, event: CloudEventV1<unknown>, data: string])[] = [
  [
    'an object',
    { ...attributes, datacontenttype: 'application/json', data: { a: [1, 'ü'] } },
    '{"a":[1,"ü"]}',
  ],
  ['XML', { ...attributes, datacontenttype: 'application/xml', data: '<a>ü</a>' }, '<a>ü</a>'],
  [
    'bytes',
    { ...attributes, datacontenttype: 'application/octet-stream', data: new Uint8Array([0, 1, 2]) },
    '\0\x01\x02',
  ],
]

/** A packet as it would come, with what the SDK made. */
function packetOf({ headers, body, PUBLISH }: MQTTMessage<unknown>): IPublishPacket {
  const payload =
    body instanceof Uint8Array
      ? Buffer.from(body)
      : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const contentType = PUBLISH?.['Content Type']
  return {
    cmd: 'publish',
    topic: 'in',
    qos: 1,
    dup: false,
    retain: false,
    payload,
    properties: {
      ...(contentType !== undefined && { contentType }),
      userProperties: Object.fromEntries(
        Object.entries(headers).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)]],
        ),
      ),
    },
  }
}

/** A packet as the SDK takes it. */
function sdkMessage({ payload, properties }: IPublishPacket, isJson: boolean): MQTTMessage<unknown> {
  const body = isJson ? JSON.parse(payload.toString()) : payload
  return {
    PUBLISH: { 'Content Type': properties?.contentType },
    headers: { ...properties?.userProperties } as MQTTMessage['headers'],
    'User Properties': { ...properties?.userProperties } as MQTTMessage['headers'],
    body,
    payload: body,
  }
}

const binary: Events = { mode: 'binary' }

describe('CloudEvents: what the SDK writes', () => {
  for (const [title, event, data] of events) {
    for (const [mode, made] of [
      ['structured', MQTT.structured(new CloudEvent(event)) as MQTTMessage<unknown>],
      ['binary', MQTT.binary(new CloudEvent(event)) as MQTTMessage<unknown>],
    ] as const) {
      it(`is read with all it has: ${title}, ${mode}`, () => {
        const taken = apart(decode(packetOf(made)))
        const expected = Object.entries(attributes).map(([name, value]) => [
          `cloudEvents_${name}`,
          text(value),
        ])
        assert.deepEqual(taken.headers, Object.fromEntries(expected))
        assert.equal(taken.properties.contentType, event.datacontenttype)
        assert.equal(textIn(taken), data)
      })
    }
  }
})

describe('CloudEvents: what is written', () => {
  const came = (event: CloudEventV1<unknown>, data: string): Message =>
    message({
      headers: strings(
        Object.fromEntries(Object.entries(attributes).map(([n, v]) => [`cloudEvents_${n}`, v])),
      ),
      properties: { contentType: event.datacontenttype! },
      body: { kind: 'bytes', bytes: Buffer.from(data) },
    })

  for (const [title, event, data] of events) {
    it(`is read by the SDK, which finds it valid: ${title}, structured`, () => {
      const packet = mqttPacketOf(came(event, data))
      const read = MQTT.toEvent(sdkMessage(packet, true)) as CloudEvent<unknown>
      assert.equal(read.validate(), true)
      check(read, event)
      const json = JSON.parse(textIn(overAmqp(came(event, data))))
      assert.equal(new CloudEvent(json).validate(), true)
    })

    it(`is read by the SDK: ${title}, binary`, () => {
      const packet = mqttPacketOf(came(event, data), binary)
      const sent = sdkMessage(packet, event.datacontenttype === 'application/json')
      assert.equal(MQTT.isEvent(sent), true)
      check(MQTT.toEvent(sent) as CloudEvent<unknown>, event)
    })
  }

  it('is valid for the SDK when it was made of a message that is no event', () => {
    const order = message({
      body: { kind: 'text', text: '{"a":1}' },
      properties: { subject: 'com.example.order', contentType: 'application/json', createdAt: 1 },
      headers: {
        urgent: { type: 'bool', value: true },
        qty: { type: 'int16', value: -3 },
        region: text('eu'),
      },
    })
    const event = new CloudEvent<unknown>(JSON.parse(textIn(overAmqp(order))))
    assert.equal(event.validate(), true)
    assert.deepEqual([event.urgent, event.qty, event.region, event.data], [true, -3, 'eu', { a: 1 }])
    const packet = mqttPacketOf(order, binary)
    assert.equal(
      (MQTT.toEvent(sdkMessage(packet, true)) as CloudEvent<unknown>).source,
      '/sluice/orders/ORDERS',
    )
  })
})

function check(read: CloudEvent<unknown>, event: CloudEventV1<unknown>): void {
  for (const [name, value] of Object.entries(attributes)) assert.equal(read[name], value, name)
  assert.equal(read.datacontenttype, event.datacontenttype)
  const bytes = (data: unknown) => (data instanceof Uint8Array ? Buffer.from(data).toString() : data)
  assert.deepEqual(bytes(read.data), bytes(event.data))
}
