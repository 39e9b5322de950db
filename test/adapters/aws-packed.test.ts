import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Attributes, ReceivedAttribute } from '../../src/adapters/shared/aws/calls.ts'
import { sns } from '../../src/adapters/sns/index.ts'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Headers, Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { shown } from '../matrix/show.ts'
import { anyBody, anyText, anyValue } from '../support/any-message.ts'

const common = { connectionName: 'c', route: 'r', connection: {} }
const mebibyte = { maxMessageSize: 1_048_576 }
const message = (headers: Headers, more: Partial<Message> = {}): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: 'hello' },
  properties: { trail: 'sluice/orders' },
  ...more,
  headers,
})
const send = (m: Message, attributes: object = {}) =>
  sqs.sink!.prepare({ ...common, options: sqs.sink!.options.parse({ queue: 'q', attributes }) }, mebibyte, m)
const publish = (m: Message, attributes: object = {}) => {
  const options = sns.sink!.options.parse({ topic: 'arn:aws:sns:eu-west-1:000000000000:t', attributes })
  return sns.sink!.prepare({ ...common, options }, mebibyte, m)
}

/** As ReceiveMessage hands attributes out: bytes in base64. */
const received = (attributes: Attributes = {}): Readonly<Record<string, ReceivedAttribute>> =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => [
      name,
      BinaryValue
        ? { DataType, BinaryValue: Buffer.from(BinaryValue).toString('base64') }
        : { DataType, StringValue: StringValue! },
    ]),
  )
const source = (more: object = {}) => sqs.source!.options.parse({ queue: 'q', ...more })
const receive = (Body: string, attributes: Attributes | undefined) =>
  decode({ Body, MessageAttributes: received(attributes) }, source())

/** As SNS hands a message to a queue that is subscribed without raw delivery. */
const notified = (Message: string, attributes: Attributes = {}) => {
  const MessageAttributes = Object.fromEntries(
    Object.entries(received(attributes)).map(([name, a]) => [
      name,
      { Type: a.DataType, Value: a.BinaryValue ?? a.StringValue },
    ]),
  )
  const Body = JSON.stringify({
    Type: 'Notification',
    TopicArn: 'arn:aws:sns:eu-west-1:000000000000:t',
    Message,
    MessageAttributes,
  })
  return decode({ Body }, source({ body: 'sns' }))
}

const numbered = (count: number, prefix = 'h'): Headers =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}${i}`, text(`v${i}`)]))
const namesOf = ({ MessageAttributes = {} }: { readonly MessageAttributes?: Attributes }) =>
  Object.keys(MessageAttributes).sort()
const packedIn = ({ MessageAttributes }: { readonly MessageAttributes?: Attributes }) =>
  JSON.parse(MessageAttributes?.sluice_headers?.StringValue ?? '{}')

describe('packed headers: which', () => {
  test('nothing is packed while there is room for all', () => {
    const prepared = send(message(numbered(9)))
    assert.equal(Object.keys(prepared.entry.MessageAttributes!).length, 10)
    assert.equal(prepared.packed, undefined)
    assert.equal(send(message(numbered(10), { properties: {} })).packed, undefined)
  })

  test('past that, the first eight stay attributes, and the rest is one with its types', () => {
    const headers = { ...numbered(8), n: { type: 'int64', value: 2n ** 60n }, d: text('x') } as const
    const { entry, packed } = send(message(headers))
    assert.equal(packed, 2)
    assert.deepEqual(namesOf(entry), [...Object.keys(numbered(8)), 'sluice_headers', 'sluice_properties'])
    assert.deepEqual(entry.MessageAttributes!.sluice_headers, {
      DataType: 'String',
      StringValue: '{"n":{"int64":"1152921504606846976"},"d":"x"}',
    })
  })

  test('the trace, the reply token and what the configuration orders stay, in that order', () => {
    const last = {
      sluice_reply_to: text('answers'),
      'x-b': text('2'),
      'x-a': text('1'),
      region: text('EU'),
      tracestate: text('a=b'),
      traceparent: text('00-1-2-01'),
      sluice_reply_token: text('t'),
    }
    const m = message({ ...numbered(20), ...last })
    const order = ['region', 'x-*', 'nobody']
    for (const { entry, packed } of [send(m, { order }), publish(m, { order })]) {
      assert.equal(packed, 19)
      assert.deepEqual(
        namesOf(entry),
        [...Object.keys(last), 'h0', 'sluice_headers', 'sluice_properties'].sort(),
      )
    }
    const five = ['x-b', 'h19', 'h18', 'h17', 'x-a']
    assert.deepEqual(
      namesOf(send(m, { order: five }).entry).filter(name => !name.startsWith('sluice_')),
      ['h17', 'h18', 'h19', 'traceparent', 'tracestate', 'x-b'],
    )
  })

  test('a name that cannot be an attribute is packed, and all others stay where there is room', () => {
    const odd = [
      '',
      'a b',
      '$x',
      'ö🦑',
      'x'.repeat(300),
      '.a',
      'aws.x',
      'sluice_properties',
      'sluice_headers',
    ]
    const headers = Object.fromEntries([...odd, '__proto__', 'plain'].map(name => [name, text(name)]))
    for (const { entry, packed } of [send(message(headers)), publish(message(headers))]) {
      assert.equal(packed, 10)
      assert.deepEqual(namesOf(entry), ['plain', 'sluice_headers', 'sluice_properties'])
      assert.deepEqual(Object.keys(packedIn(entry)), [...odd, '__proto__'])
    }
  })

  test('SNS takes no emoji in attributes: names and values are escaped', () => {
    const { entry } = publish(message({ 'a 🦑': text('🦑') }))
    const json = '{"a \\ud83e\\udd91":"\\ud83e\\udd91"}'
    assert.equal(entry.MessageAttributes!.sluice_headers!.StringValue, json)
  })

  test('their bytes count', () => {
    const big = { 'a b': text('x'.repeat(1_048_576)) }
    assert.throws(() => send(message(big)), MessageRefused)
  })

  test('overflow: refuse says how many there are, and what takes their room', () => {
    const refuse = { overflow: 'refuse' }
    assert.throws(
      () => send(message(numbered(10)), refuse),
      /has 10 headers and SQS takes 10 attributes, one of which is taken by sluice_properties/,
    )
    assert.throws(
      () => send(message({ 'a b': text('x') }), refuse),
      /"a b" cannot be an attribute: names are/,
    )
  })
})

describe('packed headers: back again', () => {
  test('also when the body and the properties are not ours', () => {
    const { entry } = send(message({ ...numbered(20), 'a b': { type: 'bool', value: true } }))
    const { sluice_properties: _, ...echoed } = entry.MessageAttributes!
    const { message: back } = receive('another body', echoed)
    assert.deepEqual(back.body, { kind: 'text', text: 'another body' })
    assert.deepEqual(back.headers, { ...numbered(20), 'a b': { type: 'bool', value: true } })
  })

  test('what somebody has set as an attribute since is what it is', () => {
    const { entry } = send(message(numbered(20)))
    const changed = { ...entry.MessageAttributes, h19: { DataType: 'String', StringValue: 'new' } }
    assert.deepEqual(receive('x', changed).message.headers.h19, text('new'))
  })

  test('what we have not written is a header like any other', () => {
    for (const foreign of ['', '{}', '[]', 'null', 'x', '{"a":1}', '{"a":{"int8":500}}', '{"a":"x"']) {
      const { message: back, fault } = receive('x', {
        sluice_headers: { DataType: 'String', StringValue: foreign },
      })
      assert.deepEqual([back.headers, fault], [{ sluice_headers: text(foreign) }, undefined])
    }
    const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`
    assert.deepEqual(
      Object.keys(
        receive('x', { sluice_headers: { DataType: 'String', StringValue: deep } }).message.headers,
      ),
      ['sluice_headers'],
    )
  })

  /** Names as brokers have them, and names as nobody should have them. */
  const anyName = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9_.-]{1,30}$/),
    anyText,
    fc.string({ minLength: 250, maxLength: 300 }),
    fc.constantFrom(
      'sluice_properties',
      'sluice_headers',
      '__proto__',
      'traceparent',
      'JMSXGroupID',
      'constructor',
    ),
  )
  /** `fc.dictionary` has no `__proto__`. */
  const anyHeaders = fc
    .array(fc.tuple(anyName, anyValue), { maxLength: 60, size: 'max' })
    .map(entries => Object.fromEntries(entries))

  test('any sixty headers of any name and type, over SQS, SNS with raw delivery and without', () => {
    let packed = 0
    fc.assert(
      fc.property(anyHeaders, anyBody, fc.array(anyName, { maxLength: 5 }), (headers, body, names) => {
        const m = message(headers, { body })
        const order = names.filter(name => name !== '')
        const [queued, published] = [send(m, { order }), publish(m, { order })]
        packed += queued.packed ?? 0
        for (const [{ entry }, back] of [
          [queued, receive(queued.entry.MessageBody, queued.entry.MessageAttributes)],
          [published, receive(published.entry.Message, published.entry.MessageAttributes)],
          [published, notified(published.entry.Message, published.entry.MessageAttributes)],
        ] as const) {
          assert.ok(Object.keys(entry.MessageAttributes ?? {}).length <= 10)
          assert.equal(back.fault, undefined)
          assert.deepEqual(sorted(back.message.headers), sorted(headers))
          assert.equal(back.message.properties.trail, 'sluice/orders')
        }
      }),
      { numRuns: 500 },
    )
    assert.ok(packed > 1_000, `only ${packed} were packed`)
  })

  const sorted = (headers: Headers) =>
    Object.entries(headers)
      .map(([name, value]) => [name, shown(value)])
      .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))
})
