import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import mqttPacket, { type IPublishPacket } from 'mqtt-packet'
import { decode } from '../../src/adapters/mqtt/codec.ts'
import { headOf, type MqttPrepared } from '../../src/adapters/mqtt/encode.ts'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { restored } from '../../src/adapters/shared/carriage/restore.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { nothing, text, type Value } from '../../src/core/value.ts'
import { anyMessage } from '../support/any-message.ts'
import { plain } from './promises/expect.ts'

const limits = { maxMessageSize: 1_000_000 }

function endpoint(version: '3.1.1' | 5, sink: object = {}) {
  return {
    connection: mqtt.connection.parse({ urls: ['mqtt://localhost'], version }),
    connectionName: 'plant',
    route: 'route',
    options: mqtt.sink!.options.parse({ topic: '${headers.to}', ...sink }),
  }
}

const message = (more: Partial<Message>): Message => ({
  address: 'a/b',
  body: { kind: 'none' },
  properties: {},
  headers: {},
  ...more,
})

/** The packet as MQTT.js reads it. */
function parsed(prepared: MqttPrepared, version: 4 | 5, packetId = 7): IPublishPacket {
  const packets: IPublishPacket[] = []
  const parser = mqttPacket.parser({ protocolVersion: version })
  parser.on('packet', packet => packets.push(packet as IPublishPacket))
  parser.on('error', error => assert.fail(error))
  const bytes = Buffer.concat([headOf(prepared, packetId), prepared.body])
  assert.equal(bytes.length, prepared.size)
  parser.parse(bytes)
  assert.equal(packets.length, 1)
  return packets[0]!
}

const sent = (m: Message, version: '3.1.1' | 5 = 5, sink: object = {}): IPublishPacket =>
  parsed(mqtt.sink!.prepare(endpoint(version, sink), limits, m), version === 5 ? 5 : 4)

const refuses = (m: Message, pattern: RegExp, version: '3.1.1' | 5 = 5): void =>
  assert.throws(
    () => sent(m, version),
    error => error instanceof MessageRefused && pattern.test(error.message),
  )

const user = (packet: IPublishPacket) => ({ ...packet.properties?.userProperties })

describe('MQTT 5, outwards', () => {
  it('carries any message and gives it back as it was', () => {
    fc.assert(
      fc.property(anyMessage, fc.constantFrom(0, 1, 2), (any, qos) => {
        const headers = Object.fromEntries(Object.values(any.headers).map((value, i) => [`ü${i}`, value]))
        const original = { ...any, headers, address: 'a/b' }
        const prepared = mqtt.sink!.prepare(endpoint(5, { qos }), limits, original)
        const back = restored(decode(parsed(prepared, 5)))
        assert.equal(back.fault, undefined)
        const { deduplicationId: _, ...properties } = original.properties
        const { annotations: __, ...rest } = original
        const expected = { ...rest, properties: { durable: qos > 0, ...properties } }
        assert.deepEqual(plain(back.message), plain(expected))
      }),
      { numRuns: 2_000 },
    )
  })

  it('writes what the protocol has a place for there', () => {
    const packet = sent(
      message({
        body: { kind: 'text', text: 'Grüße' },
        properties: {
          contentType: 'text/plain',
          replyTo: 'replies/here',
          correlationId: { type: 'bytes', value: Buffer.of(0, 255) },
          durable: true,
        },
        headers: { tenant: text('Grüße 😀'), many: { type: 'list', value: [text('1'), text('2')] } },
      }),
    )
    assert.equal(packet.payload.toString(), 'Grüße')
    assert.deepEqual(
      { ...packet.properties, userProperties: user(packet) },
      {
        payloadFormatIndicator: true,
        contentType: 'text/plain',
        responseTopic: 'replies/here',
        correlationData: Buffer.of(0, 255),
        userProperties: { tenant: 'Grüße 😀', many: ['1', '2'] },
      },
    )
  })

  it('writes headers as text and their types beside them', () => {
    const headers: Record<string, Value> = {
      count: { type: 'int64', value: 9_007_199_254_740_993n },
      ok: { type: 'bool', value: true },
      empty: nothing,
    }
    const packet = sent(message({ body: { kind: 'bytes', bytes: Buffer.of(1) }, headers }))
    const { sluice_properties: json, ...rest } = user(packet)
    assert.deepEqual(rest, { count: '9007199254740993', ok: 'true', empty: 'null' })
    assert.deepEqual(JSON.parse(json as string), { headers: { count: 'int64', ok: 'bool', empty: 'json' } })
  })

  it('gives a requester of the protocol the bytes of a correlation id, and another bridge its type', () => {
    const id = text('order-1')
    const packet = sent(message({ properties: { correlationId: id } }))
    assert.equal(packet.properties?.correlationData?.toString(), 'order-1')
    assert.deepEqual(restored(decode(packet)).message.properties.correlationId, id)
  })

  it('keeps a reply address that is no topic', () => {
    for (const replyTo of ['', 'temp-queue://a+b', 'a\u0000b', 'x'.repeat(65_536)]) {
      if (replyTo.length > 65_000) {
        refuses(message({ properties: { replyTo } }), /the header sluice_properties has \d+ bytes/)
        continue
      }
      const packet = sent(message({ properties: { replyTo } }))
      assert.equal(packet.properties?.responseTopic, undefined)
      assert.equal(restored(decode(packet)).message.properties.replyTo, replyTo)
    }
  })

  it('counts the seconds that are left at each sending, rounded up, and never none', t => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
    const expiresAt = 1_002_500
    const prepared = mqtt.sink!.prepare(endpoint(5), limits, message({ properties: { expiresAt } }))
    const left = () => parsed(prepared, 5).properties?.messageExpiryInterval
    assert.equal(left(), 3)
    t.mock.timers.setTime(1_001_600)
    assert.equal(left(), 1)
    t.mock.timers.setTime(1_009_000)
    assert.equal(left(), 1)
    assert.equal(restored(decode(parsed(prepared, 5))).message.properties.expiresAt, expiresAt)
  })

  it('sends no character that a broker takes for malformed', () => {
    const odd = 'a\u0001\u0085\ufdd0\u{1ffff}\ud800'
    const packet = sent(
      message({ properties: { subject: odd, contentType: odd }, headers: { h: text(odd) } }),
    )
    for (const value of Object.values(user(packet))) {
      assert.ok(!/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(value as string), JSON.stringify(value))
    }
    const { properties, headers } = restored(decode(packet)).message
    assert.deepEqual([properties.subject, properties.contentType, headers.h], [odd, odd, text(odd)])
  })

  it('refuses headers that cannot be user properties', () => {
    const named = (name: string) => message({ headers: { [name]: text('x') } })
    refuses(named('a\u0000b'), /the header "a\\u0000b" cannot be a user property/)
    refuses(named('x'.repeat(65_536)), /cannot be a user property/)
    refuses(named('sluice_properties'), /would be taken for Sluice's own/)
    const long = message({ headers: { long: text('x'.repeat(65_536)) } })
    refuses(long, /the header long has 65536 bytes as a user property of MQTT, which takes 65535/)
    assert.equal(user(sent(message({ headers: { long: text('x'.repeat(65_535)) } }))).long?.length, 65_535)
  })
})

describe('MQTT 3.1.1, outwards', () => {
  it('is the body as people read it and nothing else', () => {
    const entries = [[text('a'), { type: 'int32', value: 1 }] as const]
    const bodies: [Message['body'], string][] = [
      [{ kind: 'text', text: 'Grüße' }, 'Grüße'],
      [{ kind: 'bytes', bytes: Buffer.from([102]) }, 'f'],
      [{ kind: 'object', bytes: Buffer.from([103]) }, 'g'],
      [{ kind: 'map', entries }, '{"a":1}'],
      [{ kind: 'list', items: [text('x'), nothing] }, '["x",null]'],
      [{ kind: 'none' }, ''],
    ]
    for (const [body, expected] of bodies) {
      const packet = sent(message({ body, headers: { lost: text('x') } }), '3.1.1')
      assert.equal(packet.payload.toString(), expected)
      assert.equal(packet.properties, undefined)
    }
    refuses(message({ body: { kind: 'text', text: '\ud800' } }), /half a surrogate pair/, '3.1.1')
  })

  it('is known to have no headers', () => {
    assert.equal(mqtt.sink!.isHeaderless!(endpoint('3.1.1')), true)
    assert.equal(mqtt.sink!.isHeaderless!(endpoint(5)), false)
  })
})

describe('what both refuse', () => {
  it('topics that are none', () => {
    for (const [address, why] of [
      ['', /it is empty/],
      ['a/+/b', /wildcards/],
      ['a/#', /wildcards/],
      ['a\u0000', /control characters/],
      ['\ud800', /control characters or others/],
      ['é'.repeat(32_768), /65536 bytes, and MQTT takes 65535/],
    ] as const) {
      for (const version of ['3.1.1', 5] as const) refuses(message({ address }), why, version)
    }
    assert.equal(sent(message({ address: 'x'.repeat(65_535) })).topic.length, 65_535)
  })

  it('a delay', () => {
    refuses(message({ properties: { delay: 5 } }), /MQTT cannot deliver later/)
    refuses(message({ properties: { delay: 5 } }), /MQTT cannot deliver later/, '3.1.1')
  })

  it('a fixed topic with wildcards, when the configuration is read', () => {
    assert.throws(() => endpoint(5, { topic: 'a/+' }), /wildcards/)
    assert.throws(() => endpoint(5, { address: 'a' }), /either topic or address/)
    assert.throws(() => endpoint(5, { topic: undefined }), /either topic or address/)
  })
})

describe('how it is sent', () => {
  it('with the QoS and RETAIN of the options', () => {
    const { qos, retain, messageId } = sent(message({}), '3.1.1', { qos: 2, retain: true })
    assert.deepEqual({ qos, retain, messageId }, { qos: 2, retain: true, messageId: 7 })
    assert.equal(sent(message({}), 5, { qos: 0 }).messageId, undefined)
  })

  it('under another packet id each time, in another copy', () => {
    const prepared = mqtt.sink!.prepare(endpoint(5), limits, message({}))
    const [one, two] = [headOf(prepared, 1), headOf(prepared, 2)]
    assert.deepEqual(
      [one, two].map(head => head.readUInt16BE(prepared.idAt)),
      [1, 2],
    )
  })
})
