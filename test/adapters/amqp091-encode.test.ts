import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode } from '../../src/adapters/amqp091/codec.ts'
import { addressOf, leadsTo, placeOf } from '../../src/adapters/amqp091/dialect.ts'
import { prepare } from '../../src/adapters/amqp091/encode.ts'
import { sinkOptions, sourceOptions } from '../../src/adapters/amqp091/options.ts'
import type { Endpoint } from '../../src/core/adapter.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { anyMessage } from '../support/any-message.ts'

const at = (written: object) =>
  ({ options: sinkOptions.parse(written) }) as Endpoint<never, ReturnType<typeof sinkOptions.parse>>

const toQueue = at({ queue: 'q' })
const limits = { maxMessageSize: 2 ** 20 }

const plain: Message = { address: 'q', body: { kind: 'none' }, properties: {}, headers: {} }

const prepared = (message: Partial<Message>, to = toQueue) => prepare(to, limits, { ...plain, ...message })

/** Out by the sink and in by the source. */
function carried(message: Message): Message {
  const { exchange, routingKey, properties, body } = prepare(toQueue, limits, { ...message, address: 'q' })
  const { message: came, fault } = decode('q', {
    exchange,
    routingKey,
    redelivered: false,
    raw: properties,
    content: body,
  })
  assert.equal(fault, undefined)
  return came
}

describe('a message out and back', () => {
  test('is what it was: body, headers with their types, properties', () => {
    fc.assert(
      fc.property(anyMessage, message => {
        const { deduplicationId: _, ...properties } = message.properties
        fc.pre(
          Object.keys(message.headers).every(name => name.isWellFormed() && Buffer.byteLength(name) < 240),
        )
        const came = carried({ ...message, properties: { ...properties, trail: 'b/r' } })
        const { body, headers } = message
        const expected = { body, headers, properties: { durable: true, ...properties, trail: 'b/r' } }
        const { body: cameBody, headers: cameHeaders, properties: cameProperties } = came
        assert.deepEqual(
          same({ body: cameBody, headers: cameHeaders, properties: cameProperties }),
          same(expected),
        )
      }),
      { numRuns: 500 },
    )
  })

  test('keeps headers that a broker, or a sink of ours, has names for', () => {
    const headers = {
      CC: text('a'),
      BCC: { type: 'list', value: [text('b')] } as const,
      'x-death': text('c'),
      sluice_properties: text('d'),
      sluice_CC: text('e'),
      sluice_sluice_CC: text('f'),
      sluice_other: text('g'),
      ['__proto__']: text('h'),
    }
    assert.deepEqual(carried({ ...plain, headers, properties: { trail: 'b/r' } }).headers, headers)
  })

  test('leaves headers of others alone that look like those', () => {
    const { properties, body } = prepared({ headers: { sluice_x: text('1') } })
    const wire = { exchange: '', routingKey: 'q', redelivered: false, raw: properties, content: body }
    assert.deepEqual(decode('q', wire).message.headers, { sluice_x: text('1') })
  })
})

describe('a message that cannot be', () => {
  for (const [what, message, says] of [
    [
      'a name of a header with more than 255 bytes',
      { headers: { ['ä'.repeat(128)]: text('') } },
      /255 bytes/,
    ],
    ['a name of a header that is no Unicode', { headers: { '\ud800': text('') } }, /no Unicode/],
    ['a delay', { properties: { delay: 5_000 } }, /delay of 5000 ms/],
    ['a queue whose name is too long', { address: 'q'.repeat(256) }, /255 bytes/],
    [
      'headers that fill more than a frame',
      { headers: { h: text('x'.repeat(140_000)) } },
      /140\d\d\d bytes .* 131052/,
    ],
    [
      'a body that is too large',
      { body: { kind: 'bytes', bytes: Buffer.alloc(2 ** 20 + 1) } },
      /1048577 bytes .* 1048576 \(1MiB/,
    ],
  ] as const) {
    test(`is refused: ${what}`, () => {
      assert.throws(
        () => prepared(message as Partial<Message>),
        (error: Error) => error instanceof MessageRefused && says.test(error.message),
      )
    })
  }

  test('moves no border between exchange and routing key', () => {
    const to = sinkOptions.parse({ exchange: '${headers.e}', routing_key: '${headers.k}' })
    assert.equal(addressOf(to), '${headers.e}\0${headers.k}')
    assert.deepEqual(placeOf(to, 'e\0k'), { exchange: 'e', routingKey: 'k' })
    assert.deepEqual(placeOf(to, 'e\0'), { exchange: 'e', routingKey: '' })
    assert.throws(() => placeOf(to, 'e\0other\0k'), MessageRefused)
    assert.throws(() => placeOf(to, '\0k'), MessageRefused)
    assert.deepEqual(placeOf(sinkOptions.parse({ queue: '${x}' }), 'a\0b'), {
      exchange: '',
      routingKey: 'a\0b',
    })
  })
})

describe('options', () => {
  const problems = (schema: typeof sinkOptions | typeof sourceOptions, written: object) =>
    (schema.safeParse(written).error?.issues ?? []).map(i => i.message).join()

  test('of a sink name one place', () => {
    assert.match(problems(sinkOptions, {}), /one of queue, exchange and address/)
    assert.match(problems(sinkOptions, { queue: 'q', address: 'a' }), /one of queue/)
    assert.match(problems(sinkOptions, { queue: 'q', routing_key: 'k' }), /belongs to an exchange/)
    assert.equal(problems(sinkOptions, { exchange: 'e', max_message_size: '64MiB' }), '')
  })

  test('of a source name one way to be alone', () => {
    assert.match(
      problems(sourceOptions, { queue: 'q', exclusive: true, single_active_consumer: true }),
      /one of the two/,
    )
  })
})

test('knows which addresses lead to a queue', () => {
  for (const [address, expected] of [
    ['q-1', true],
    ['q-2', false],
    ['${x}', true],
    ['q-${x}', true],
    ['${x}-1', true],
    ['p-${x}', false],
    ['${x}-2', false],
    ['q-1${x}-1', false],
    ['anything\0key', true],
  ] as const) {
    assert.equal(leadsTo('q-1', address), expected, address)
  }
})

/** Bytes of whatever class are equal. */
function same(part: unknown): unknown {
  if (part instanceof Uint8Array) return Buffer.from(part)
  if (Array.isArray(part)) return part.map(same)
  if (typeof part !== 'object' || part === null) return part
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, same(value)]))
}
