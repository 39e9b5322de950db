import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Body, Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { compileMapping, type Rule } from '../../src/route/mapping/mapping.ts'
import { mistakesOf } from './mapping-mistakes.ts'

const bodyOf = (entries: Record<string, Value>): Body => ({
  kind: 'map',
  entries: Object.entries(entries).map(([k, v]) => [text(k), v] as const),
})
const list = (...value: Value[]): Value => ({ type: 'list', value })
const mapOf = (entries: Record<string, Value>): Value => ({
  type: 'map',
  value: Object.entries(entries).map(([k, v]) => [text(k), v] as const),
})

const message: Message = {
  address: 'ORDERS',
  body: { kind: 'text', text: '{"a":1}' },
  properties: {
    subject: 'order',
    replyTo: 'answers',
    deduplicationId: 'd-1',
    trail: 'b/r',
    createdAt: 1_000,
  },
  headers: {
    JMS_a: text('1'),
    JMS_b: text('2'),
    'x-id': { type: 'int64', value: 5n },
    'a.b': text('dotted'),
  },
}

const mapOne = (rule: Rule, of: Partial<Message> = {}): Message =>
  compileMapping([rule])({ ...message, ...of }) as Message

describe('rename', () => {
  it('gives headers new names in their places, with wildcards, and keeps their types', () => {
    const { headers } = mapOne({ rename: { 'headers.JMS_*': 'headers.*', 'headers.x-id': 'headers.id' } })
    assert.deepEqual(Object.entries(headers), [
      ['a', text('1')],
      ['b', text('2')],
      ['id', { type: 'int64', value: 5n }],
      ['a.b', text('dotted')],
    ])
  })

  it('prefers a whole name to a wildcard, swaps, and leaves alone what is not there', () => {
    const { headers } = mapOne({
      rename: {
        'headers.JMS_*': 'headers.j-*',
        'headers.JMS_a': 'headers.JMS_b',
        'headers.JMS_b': 'headers.JMS_a',
        'headers.missing': 'headers.other',
      },
    })
    assert.deepEqual([headers.JMS_a, headers.JMS_b, headers.other], [text('2'), text('1'), undefined])
  })

  it('moves between headers and properties, and to the address', () => {
    const { headers, properties } = mapOne({
      rename: { 'properties.subject': 'headers.type', 'headers.x-id': 'properties.correlation_id' },
    })
    assert.deepEqual(headers.type, text('order'))
    assert.deepEqual(properties.correlationId, { type: 'int64', value: 5n })
    assert.equal('subject' in properties || 'x-id' in headers, false)
    const moved = mapOne({ rename: { 'headers.JMS_a': 'address' } })
    assert.deepEqual([moved.address, moved.origin, 'JMS_a' in moved.headers], ['1', 'ORDERS', false])
    const all = mapOne({ rename: { 'properties.*': 'headers.p_*' } })
    assert.deepEqual(all.properties, { deduplicationId: 'd-1', trail: 'b/r' })
    assert.deepEqual(all.headers.p_created_at, { type: 'int32', value: 1_000 })
  })

  it('moves within a body that is a map, in each item of a list too, and between body and headers', () => {
    const body = bodyOf({
      no: text('7'),
      lines: list(mapOf({ qty: text('1') }), mapOf({ qty: text('2'), n: text('x') })),
      meta: mapOf({ k: text('v') }),
    })
    const made = mapOne(
      {
        rename: {
          'body.lines.qty': 'body.lines.quantity',
          'body.meta.k': 'headers.k',
          'body.no': 'body.order.number',
          'headers.JMS_*': 'body.order.*',
        },
      },
      { body },
    )
    assert.deepEqual(
      made.body,
      bodyOf({
        lines: list(mapOf({ quantity: text('1') }), mapOf({ quantity: text('2'), n: text('x') })),
        meta: mapOf({}),
        order: mapOf({ a: text('1'), b: text('2'), number: text('7') }),
      }),
    )
    assert.deepEqual(made.headers.k, text('v'))
  })

  it('moves many soon', () => {
    const entries = Array.from({ length: 50_000 }, (_, i) => [text(`k${i}`), text('v')] as const)
    const body: Body = {
      kind: 'map',
      entries: [
        [text('a'), { type: 'map', value: entries }],
        [text('b'), mapOf({ k: text('old') })],
      ],
    }
    const from = performance.now()
    const made = mapOne({ rename: { 'body.a.*': 'body.b.c.x*' } }, { body })
    assert.ok(performance.now() - from < 5_000, `took ${performance.now() - from} ms`)
    const moved = entries.map(
      ([key, value]) => [text(`x${(key as { value: string }).value}`), value] as const,
    )
    assert.deepEqual(
      made.body,
      bodyOf({
        a: mapOf({}),
        b: {
          type: 'map',
          value: [
            [text('k'), text('old')],
            [text('c'), { type: 'map', value: moved }],
          ],
        },
      }),
    )
  })

  it('refuses rather than lose what has the new name', () => {
    const refused = (rename: Record<string, string>, of: Partial<Message> = {}) => {
      try {
        mapOne({ rename }, of)
      } catch (error) {
        assert.ok(error instanceof MessageRefused)
        return error.message
      }
      return ''
    }
    assert.equal(
      refused({ 'headers.JMS_a': 'headers.JMS_b' }),
      'rule 1 (rename): headers.JMS_a cannot become headers.JMS_b, which this message has already',
    )
    assert.match(refused({ 'headers.x-id': 'properties.subject' }), /properties\.subject, which .* already/)
    assert.match(refused({ 'headers.JMS_a': 'headers.c', 'headers.JMS_b': 'headers.c' }), /already/)
    assert.match(
      refused({ 'headers.JMS_a': 'properties.priority' }, { headers: { JMS_a: text('no') } }),
      /priority/,
    )
    assert.match(refused({ 'body.a': 'body.b' }), /body of this message is text.*decode it first/)
    assert.match(refused({ 'headers.JMS_a': 'body.b' }), /body\.b is a place .* is text: decode it first/)
    const body = bodyOf({ a: text('1'), b: mapOf({ a: text('2') }) })
    assert.match(refused({ 'body.a': 'body.b.a' }, { body }), /body\.b\.a, which this message has already/)
    assert.match(refused({ 'body.a': 'body.b' }, { body }), /body\.a cannot become body\.b, which .* already/)
    const lines = bodyOf({ lines: list(mapOf({ no: text('1') })) })
    assert.match(refused({ 'body.lines.no': 'headers.no' }, { body: lines }), /body\.lines\..* is in a list/)
    assert.match(refused({ 'body.b': 'body.a.b' }, { body }), /body\.a .* no map/)
    assert.match(
      refused({
        'headers.JMS_a': 'properties.deduplication_id',
        'headers.JMS_b': 'properties.deduplication_id',
      }),
      /headers\.JMS_b cannot become properties\.deduplication_id, which this message has already/,
    )
    assert.match(
      refused({ 'headers.JMS_a': 'address' }, { headers: { JMS_a: text('') } }),
      /the address comes to nothing/,
    )
  })

  it('refuses to take from a map that stands in the body twice, and renames within both', () => {
    const twice = (...maps: Value[]): Body => ({ kind: 'map', entries: maps.map(map => [text('a'), map]) })
    for (const body of [
      twice(mapOf({ x: text('1') }), mapOf({ x: text('2') })),
      twice({ type: 'null' }, mapOf({ x: text('2') })),
      twice(mapOf({ x: text('1') }), text('2')),
    ]) {
      assert.throws(() => mapOne({ rename: { 'body.a.x': 'headers.x' } }, { body }), {
        name: 'MessageRefused',
        message: 'rule 1 (rename): body.a stands twice in this message, and body.a.… could be in either',
      })
    }
    const both = twice(mapOf({ x: text('1') }), mapOf({ x: text('2') }))
    assert.deepEqual(
      mapOne({ rename: { 'body.a.x': 'body.a.y' } }, { body: both }).body,
      twice(mapOf({ y: text('1') }), mapOf({ y: text('2') })),
    )
  })

  it('says what cannot be renamed, all of it, with what was meant', () => {
    assert.deepEqual(
      mistakesOf(
        { drop_if: 'true' },
        {
          rename: {
            headers: 'headers.x',
            'header.a': 'headers.b',
            'properties.subjct': 'headers.type',
            'headers.JMS_*': 'headers.jms',
            'headers.a': 'headers.*',
            'headers.p_*': 'properties.*',
            address: 'headers.from',
            'headers.c': 'properties.trail',
            'body.lines.no': 'headers.no',
          },
        },
      ).map(m => m.replace(/^1 rename /, '')),
      [
        'headers: expected headers.NAME, found "headers" (did you mean "headers.*"?)',
        'header.a: expected headers.NAME, properties.NAME, address or body.PATH, found "header.a" (did you mean "headers.a"?)',
        'properties.subjct: there is no property "subjct" (did you mean "subject"?)',
        'headers.JMS_*: expected one * in both names or in neither',
        'headers.a: expected one * in both names or in neither',
        'headers.p_*: properties have names of their own: rename to them one by one',
        'address: a message always has an address: write set: { headers: { from: "${address}" } } to keep it elsewhere',
        "headers.c: properties.trail is the route's own and stays as it is",
      ],
    )
  })
})

describe('drop', () => {
  it('leaves out headers, properties and keys of the body, with wildcards', () => {
    const body = bodyOf({
      keep: text('1'),
      secret: text('2'),
      lines: list(mapOf({ pin: text('3'), n: text('4') })),
    })
    const made = mapOne(
      {
        drop: [
          'headers.x-*',
          'headers.*_b',
          'properties.reply_to',
          'body.sec*',
          'body.lines.pin',
          'body.no.way',
        ],
      },
      { body },
    )
    assert.deepEqual(Object.keys(made.headers), ['JMS_a', 'a.b'])
    assert.equal('replyTo' in made.properties, false)
    assert.deepEqual(made.body, bodyOf({ keep: text('1'), lines: list(mapOf({ n: text('4') })) }))
  })

  it('leaves out all headers, all properties but those of the route, and the body', () => {
    const made = mapOne({ drop: ['headers.*', 'properties.*', 'body'] })
    assert.deepEqual(
      [made.headers, made.properties, made.body],
      [{}, { deduplicationId: 'd-1', trail: 'b/r' }, { kind: 'none' }],
    )
  })

  it('refuses where a key of the body cannot be found because nobody has read the body', () => {
    assert.throws(() => mapOne({ drop: ['body.secret'] }), {
      name: 'MessageRefused',
      message:
        'rule 1 (drop): body.secret is a place in a map or list, and the body of this message is text: decode it first',
    })
  })

  it('leaves the message as it is where there is nothing to leave out', () => {
    assert.equal(compileMapping([{ drop: ['headers.none', 'properties.priority'] }])(message), message)
  })

  it('says what cannot be dropped', () => {
    assert.deepEqual(
      mistakesOf({
        drop: [
          'address',
          'headers',
          'properties.trail',
          'properties.deduplication_id',
          'body.a*.b',
          'headers.`x`',
        ],
      }),
      [
        '0 drop 0: a message always has an address',
        '0 drop 1: expected headers.NAME, found "headers" (did you mean "headers.*"?)',
        "0 drop 2: properties.trail is the route's own and stays as it is",
        "0 drop 3: properties.deduplication_id is the route's own and stays as it is",
        '0 drop 4: expected a * in the last name of a path only, found "body.a*.b"',
        '0 drop 5: expected the name without quotes: headers.x',
      ],
    )
  })
})
