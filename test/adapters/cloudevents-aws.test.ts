import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CloudEvent } from 'cloudevents'
import fc from 'fast-check'
import { sns } from '../../src/adapters/sns/index.ts'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { anyMessage } from '../support/any-message.ts'
import { type Events, message, overAmqp, strings } from './cloudevents-ends.ts'

const common = { connectionName: 'cloud', route: 'orders', connection: {} }
const limits = { maxMessageSize: 1_048_576 }
const sinkOptions = (cloudevents?: Events) => ({ format: 'cloudevents', ...(cloudevents && { cloudevents }) })

const toQueue = (sent: Message, cloudevents?: Events, queue = 'q') =>
  sqs.sink!.prepare(
    { ...common, options: sqs.sink!.options.parse({ queue, ...sinkOptions(cloudevents) }) },
    limits,
    sent,
  ).entry

const toTopic = (sent: Message, cloudevents?: Events) => {
  const topic = 'arn:aws:sns:eu-west-1:000000000000:t'
  const options = sns.sink!.options.parse({ topic, ...sinkOptions(cloudevents) })
  return sns.sink!.prepare({ ...common, options }, limits, sent).entry
}

type Entry = Pick<ReturnType<typeof toQueue>, 'MessageBody' | 'MessageAttributes'>

/** As a source with the format reads it. */
const received = ({ MessageBody, MessageAttributes = {} }: Entry, format = 'cloudevents') => {
  const attributes = Object.entries(MessageAttributes).map(
    ([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      {
        DataType,
        ...(StringValue !== undefined && { StringValue }),
        ...(BinaryValue !== undefined && { BinaryValue: Buffer.from(BinaryValue).toString('base64') }),
      },
    ],
  )
  const options = sqs.source!.options.parse({ queue: 'q', format })
  return decode({ Body: MessageBody!, MessageAttributes: Object.fromEntries(attributes) }, options)
}

const order = message({
  body: { kind: 'text', text: '{"n":9007199254740993}' },
  properties: { messageId: text('ID:1'), subject: 'com.example.order', contentType: 'application/json' },
  headers: { region: text('eu'), 'x-beside': { type: 'int32', value: 5 }, traceparent: text('00-1-2-01') },
})

describe('CloudEvents in queues and topics', () => {
  it('are structured bodies, valid for the SDK, with other headers beside', () => {
    const { MessageBody = '', MessageAttributes = {} } = toQueue(order)
    assert.match(MessageBody, /"data":\{"n":9007199254740993\}\}$/)
    assert.equal(new CloudEvent(JSON.parse(MessageBody)).validate(), true)
    assert.deepEqual(Object.keys(MessageAttributes), ['x-beside', 'traceparent', 'sluice_properties'])
    assert.equal(toTopic(order).Message, MessageBody)
  })

  it('are taken apart by a source with the format, and left alone by one without', () => {
    const entry = toQueue(order)
    const { message: taken, fault } = received(entry)
    assert.equal(fault, undefined)
    assert.deepEqual(taken.body, order.body)
    assert.equal(taken.properties.contentType, 'application/json')
    assert.equal(taken.properties.subject, 'com.example.order')
    assert.deepEqual(Object.keys(taken.headers), [
      'cloudEvents_specversion',
      'cloudEvents_id',
      'cloudEvents_source',
      'cloudEvents_type',
      'cloudEvents_region',
      'cloudEvents_traceparent',
      'x-beside',
      'traceparent',
    ])
    const { message: native } = received(entry, 'native')
    assert.deepEqual(native.body, { kind: 'text', text: entry.MessageBody })
    assert.equal(native.properties.contentType, 'application/cloudevents+json')
  })

  it('of other writers are read from the body alone', () => {
    const MessageBody = '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}'
    const { message: taken } = received({ MessageBody })
    assert.deepEqual(taken.headers, {
      ...strings({ cloudEvents_specversion: '1.0', cloudEvents_id: '1' }),
      ...strings({ cloudEvents_source: '/s', cloudEvents_type: 't' }),
    })
    assert.deepEqual(taken.body, { kind: 'text', text: '{"a":1}' })
    assert.equal(taken.properties.contentType, 'application/json')
    assert.equal(taken.properties.subject, 't')
    const sent = overAmqp(taken, { mode: 'binary' })
    assert.deepEqual(sent.body, { kind: 'bytes', bytes: Buffer.from('{"a":1}') })
  })

  it('that are none are a fault, and the message is as it came', () => {
    const { message: came, fault } = received({ MessageBody: 'hello' })
    assert.match(String(fault?.message), /no CloudEvent that can be read: its body is no JSON object/)
    assert.deepEqual(came.body, { kind: 'text', text: 'hello' })
  })

  it('go through as they are, with what the service refuses escaped', () => {
    const json = '{ "specversion":"1.0", "id":"1","source":"/s","type":"t", "data":"a\ufffe\ud83e\u007f" }'
    const properties = { contentType: 'application/cloudevents+json' }
    const { MessageBody, MessageAttributes } = toQueue(
      message({ body: { kind: 'text', text: json }, properties }),
    )
    assert.equal(MessageBody, json.replace('\ufffe\ud83e\u007f', '\\ufffe\\ud83e\\u007f'))
    assert.deepEqual(Object.keys(MessageAttributes!), ['sluice_properties'])
  })

  it('keep order group and deduplication id of FIFO queues', () => {
    const { MessageGroupId, MessageDeduplicationId } = toQueue(
      message({ properties: { groupId: 'g', subject: 's' } }),
      {},
      'q.fifo',
    )
    assert.deepEqual([MessageGroupId, MessageDeduplicationId], ['g', 'delivery-1'])
  })

  it('have one mode only', () => {
    assert.throws(() => toQueue(order, { mode: 'binary' }), /mode/)
    assert.throws(() => sqs.sink!.options.parse({ queue: 'q', cloudevents: {} }), /belongs to format/)
    assert.throws(
      () => sqs.sink!.options.parse({ queue: 'q', format: 'jms', cloudevents: {} }),
      /belongs to format/,
    )
  })

  it('are made of any message, and read again without a fault', () => {
    fc.assert(
      fc.property(anyMessage, any => {
        const { contentEncoding: _, ...properties } = any.properties
        let entry: Entry
        try {
          entry = toQueue(message({ ...any, properties }), { type: 'com.example.any' })
        } catch (error) {
          assert.ok(error instanceof MessageRefused, String(error))
          return
        }
        const { fault, message: taken } = received(entry)
        assert.equal(fault, undefined)
        assert.equal(taken.headers.cloudEvents_specversion?.type, 'string')
      }),
    )
  })
})
