import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { bodyAsBytes, bodyAsText, restoredBody } from '../../src/adapters/shared/carriage/body.ts'
import { headerAsText, restoredHeaders } from '../../src/adapters/shared/carriage/headers.ts'
import {
  type BodyNote,
  parseProperties,
  propertiesJson,
  propertiesName,
} from '../../src/adapters/shared/carriage/properties.ts'
import { restored } from '../../src/adapters/shared/carriage/restore.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import { parseJsonText } from '../../src/core/json/json-text.ts'
import { parseTypedJson } from '../../src/core/json/parse-typed-json.ts'
import { typedJson } from '../../src/core/json/typed-json.ts'
import type { Body, Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { anyBody, anyMessage, anyText, anyValue } from '../support/any-message.ts'

/** Comparable whatever class holds the bytes; -0, NaN and bigints stay what they are. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, inner]) => [key, plain(inner)])
}
const same = (found: unknown, expected: unknown) => assert.deepStrictEqual(plain(found), plain(expected))

/** As strict as SQS, or as STOMP, or as lenient as nobody is. */
const takers: Readonly<Record<string, (t: string) => boolean>> = {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  strict: t => t !== '' && !/[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u.test(t),
  wellFormed: t => t.isWellFormed(),
  ascii: t => /^[ -~]+$/.test(t),
}

/** The note as it goes over the wire. */
const carried = (note: BodyNote): BodyNote => {
  const json = propertiesJson({}, () => false, note)
  return json === undefined ? {} : parseProperties(json)!.notes
}

const string = (value: string): Value => ({ type: 'string', value })
const map = (pairs: readonly (readonly [string, Value])[]): Body => ({
  kind: 'map',
  entries: pairs.map(([key, value]) => [string(key), value]),
})
const asText = (body: Body) => bodyAsText(body, takers.strict!)
const deep = (n: number): Value => (n === 0 ? { type: 'null' } : { type: 'list', value: [deep(n - 1)] })

describe('carriage: bodies', () => {
  for (const [title, takes] of Object.entries(takers)) {
    test(`any body is text that the protocol takes, and itself again (${title})`, () => {
      fc.assert(
        fc.property(anyBody, body => {
          const { text: written, note } = bodyAsText(body, takes)
          // JSON and base64 are not asked for: each protocol takes ASCII, and JSON escapes what some refuse.
          if (title !== 'ascii') assert.ok(takes(written), JSON.stringify(written))
          same(restoredBody({ kind: 'text', text: written }, carried(note)), body)
          if (note.body !== undefined)
            same(restoredBody({ kind: 'bytes', bytes: Buffer.from(written) }, carried(note)), body)
        }),
        { numRuns: 1_000 },
      )
    })
  }

  test('any body is bytes, and itself again', () => {
    fc.assert(
      fc.property(anyBody, body => {
        const { bytes, note } = bodyAsBytes(body)
        same(restoredBody({ kind: 'bytes', bytes }, carried(note)), body)
      }),
      { numRuns: 1_000 },
    )
  })

  test('text is text, and so are bytes that are text', () => {
    assert.deepEqual(asText({ kind: 'text', text: 'Grüße 🦑' }), { text: 'Grüße 🦑', note: {} })
    assert.deepEqual(asText({ kind: 'bytes', bytes: Buffer.from('\ufeffé') }), {
      text: '\ufeffé',
      note: { body: 'bytes' },
    })
  })

  test('what the protocol does not take is a blank where there is nothing, base64, or a JSON string', () => {
    assert.deepEqual(asText({ kind: 'none' }), { text: ' ', note: { body: 'none', encoding: 'empty' } })
    assert.deepEqual(asText({ kind: 'text', text: '' }), {
      text: ' ',
      note: { body: 'text', encoding: 'empty' },
    })
    assert.deepEqual(asText({ kind: 'bytes', bytes: Buffer.of(0xff) }), {
      text: '/w==',
      note: { body: 'bytes', encoding: 'base64' },
    })
    assert.deepEqual(asText({ kind: 'object', bytes: Buffer.of(0xac, 0xed) }), {
      text: 'rO0=',
      note: { body: 'object', encoding: 'base64' },
    })
    assert.deepEqual(asText({ kind: 'text', text: 'a\0' }), {
      text: 'YQA=',
      note: { body: 'text', encoding: 'base64' },
    })
    assert.deepEqual(asText({ kind: 'text', text: 'x\ud83e' }), {
      text: '"x\\ud83e"',
      note: { body: 'text', encoding: 'typed' },
    })
  })

  test('a map is JSON as people write it, with every digit; only what it does not show is noted', () => {
    const { text: written, note } = asText(
      map([
        ['name', text('pump 7')],
        ['count', { type: 'int32', value: 5 }],
        ['total', { type: 'int64', value: 9_223_372_036_854_775_807n }],
        ['small', { type: 'int64', value: 5n }],
        ['ratio', { type: 'float64', value: 0.1 }],
        ['whole', { type: 'float64', value: 1 }],
        ['minus', { type: 'float64', value: -0 }],
        ['none', { type: 'float64', value: Number.NaN }],
        ['float', { type: 'float32', value: 0.5 }],
        ['when', { type: 'timestamp', value: 0 }],
        ['raw', { type: 'bytes', value: Buffer.of(0, 255) }],
        ['yes', { type: 'bool', value: true }],
        ['nothing', { type: 'null' }],
        ['list', { type: 'list', value: [text('a'), { type: 'uint8', value: 1 }] }],
      ]),
    )
    assert.equal(
      written,
      '{"name":"pump 7","count":5,"total":9223372036854775807,"small":5,"ratio":0.1,"whole":1,"minus":-0,"none":"NaN",' +
        '"float":0.5,"when":"1970-01-01T00:00:00.000Z","raw":"AP8=","yes":true,"nothing":null,"list":["a",1]}',
    )
    assert.deepEqual(note, {
      body: 'map',
      types: {
        small: 'int64',
        whole: 'float64',
        none: 'float64',
        float: 'float32',
        when: 'timestamp',
        raw: 'bytes',
        list: [null, 'uint8'],
      },
    })
  })

  test('keys that objects lose or move are kept in their order, as plain JSON', () => {
    const body = map([
      ['b', text('1')],
      ['10', { type: 'int64', value: 1n }],
      ['2', text('3')],
      ['__proto__', { type: 'uint8', value: 4 }],
      ['constructor', text('5')],
      ['', text('6')],
    ])
    const { text: written, note } = asText(body)
    assert.equal(written, '{"b":"1","10":1,"2":"3","__proto__":4,"constructor":"5","":"6"}')
    same(restoredBody({ kind: 'text', text: written }, carried(note)), body)
  })

  test('keys that stand there twice, or are no strings, are typed JSON', () => {
    const twice = map([
      ['a', { type: 'int32', value: 1 }],
      ['a', { type: 'int32', value: 2 }],
    ])
    assert.deepEqual(asText(twice), {
      text: '{"map":[["a",{"int32":1}],["a",{"int32":2}]]}',
      note: { body: 'map', encoding: 'typed' },
    })
    const numbered: Body = { kind: 'map', entries: [[{ type: 'uint8', value: 1 }, { type: 'null' }]] }
    assert.equal(asText(numbered).text, '{"map":[[{"uint8":1},null]]}')
  })

  test('what is nested deeper than anybody reads is refused, and everything else survives', () => {
    for (const depth of [60, 79]) {
      const body: Body = { kind: 'list', items: [deep(depth)] }
      const { text: written, note } = asText(body)
      same(restoredBody({ kind: 'text', text: written }, carried(note)), body)
    }
    const refusal = { name: 'MessageRefused', message: /nested more than 80 deep/ }
    assert.throws(() => asText({ kind: 'list', items: [deep(90)] }), refusal)
    assert.throws(() => headerAsText(deep(90), () => true), refusal)
    const keyed = (n: number): Value =>
      n === 0 ? { type: 'null' } : { type: 'map', value: [[keyed(n - 1), { type: 'null' }]] }
    assert.throws(() => asText({ kind: 'list', items: [keyed(90)] }), refusal)
  })

  const altered: [string, BodyNote, string][] = [
    ['base64 with a line break', { body: 'bytes', encoding: 'base64' }, '/w==\n'],
    ['a sentence in the place of base64', { body: 'object', encoding: 'base64' }, 'see attachment'],
    ['text in base64 that is no UTF-8', { body: 'text', encoding: 'base64' }, '/w=='],
    ['something in the place of nothing', { body: 'none', encoding: 'empty' }, 'x'],
    ['something in the place of nothing, without an encoding', { body: 'none' }, 'x'],
    ['an empty text that has grown', { body: 'text', encoding: 'empty' }, '  '],
    ['a map that is a list now', { body: 'map' }, '[]'],
    ['a list that is a map now', { body: 'list', types: ['int64'] }, '{}'],
    ['a map that is no JSON', { body: 'map' }, '{"a":1'],
    ['a map without one of its keys', { body: 'map', types: { a: 'int64' } }, '{}'],
    ['a list that has grown', { body: 'list', types: ['int64'] }, '[1,2]'],
    ['a number that is text now', { body: 'map', types: { a: 'int64' } }, '{"a":"five"}'],
    ['a number out of its range', { body: 'map', types: { a: 'uint8' } }, '{"a":256}'],
    ['a number that is none', { body: 'map' }, '{"a":1e999}'],
    ['a date that is none', { body: 'map', types: { a: 'timestamp' } }, '{"a":"soon"}'],
    ['bytes that are no base64', { body: 'map', types: { a: 'bytes' } }, '{"a":"*"}'],
    ['a scalar that is a list now', { body: 'map', types: { a: 'bytes' } }, '{"a":[]}'],
    ['a map that is a scalar now', { body: 'map', types: { a: { b: 'bytes' } } }, '{"a":7}'],
    ['a type that nobody knows', { body: 'map', types: { a: 'quaternion' } }, '{"a":"7"}'],
    ['a type that is none', { body: 'map', types: { a: 5 } } as never, '{"a":7}'],
    ['typed JSON that is a map', { body: 'list', encoding: 'typed' }, '{"map":[]}'],
    ['a typed string that is a number', { body: 'text', encoding: 'typed' }, '{"int32":5}'],
    ['JSON without end', { body: 'list' }, '['.repeat(100_000)],
    ['JSON that is too deep', { body: 'list' }, `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ]
  for (const [title, note, written] of altered) {
    test(`${title}: refused with a sentence`, () => {
      assert.throws(() => restoredBody({ kind: 'text', text: written }, note), {
        name: 'MessageRefused',
        message: new RegExp(`^the body is not the ${note.body} that its sluice_properties say`),
      })
    })
  }

  test('bytes that were text and are no UTF-8 any more are refused, and not read with U+FFFD', () => {
    const body: Body = { kind: 'bytes', bytes: Buffer.of(0x61, 0xff) }
    assert.throws(() => restoredBody(body, { body: 'text' }), MessageRefused)
  })

  test('whatever stands in body and note: a body, or refused', () => {
    fc.assert(
      fc.property(anyText, fc.jsonValue(), fc.anything(), (written, json, types) => {
        for (const body of ['text', 'bytes', 'object', 'map', 'list', 'none'] as const) {
          for (const encoding of [undefined, 'base64', 'typed', 'empty'] as const) {
            const note = { body, ...(encoding && { encoding }), types } as BodyNote
            for (const content of [written, JSON.stringify(json)]) {
              try {
                restoredBody({ kind: 'text', text: content }, note)
              } catch (error) {
                if (!(error instanceof MessageRefused)) throw error
              }
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('carriage: headers', () => {
  for (const [title, takes] of Object.entries(takers)) {
    test(`any value is text, and itself again (${title})`, () => {
      fc.assert(
        fc.property(anyValue, value => {
          const { text: written, type } = headerAsText(value, takes)
          if (title !== 'ascii') assert.ok(takes(written), JSON.stringify(written))
          const types = type === undefined ? undefined : { h: type }
          same(restoredHeaders({ h: string(written) }, types), { h: value })
        }),
        { numRuns: 1_000 },
      )
    })
  }

  test('what people read', () => {
    const written = (value: Value) => headerAsText(value, takers.strict!)
    assert.deepEqual(written(text('é')), { text: 'é' })
    assert.deepEqual(written({ type: 'int64', value: -5n }), { text: '-5', type: 'int64' })
    assert.deepEqual(written({ type: 'bool', value: true }), { text: 'true', type: 'bool' })
    assert.deepEqual(written({ type: 'float64', value: -0 }), { text: '-0', type: 'float64' })
    assert.deepEqual(written({ type: 'bytes', value: Buffer.of(255) }), { text: '/w==', type: 'bytes' })
    assert.deepEqual(written(text('')), { text: '""', type: 'json' })
    assert.deepEqual(written({ type: 'null' }), { text: 'null', type: 'json' })
  })

  test('one that does not fit its type any more stays text, and one that is no text stays as it is', () => {
    const types = {
      a: 'int32',
      b: 'json',
      c: 'bool',
      d: 'nothing known',
      e: 'int8',
      f: 'int64',
      g: 'float64',
    }
    const headers = {
      a: text('five'),
      b: text('{'),
      c: text('maybe'),
      d: text('x'),
      e: { type: 'int32', value: 1_000 },
      f: text('9'.repeat(100_000)),
      g: text('0x10'),
      z: text('other'),
    } as const
    assert.deepEqual(restoredHeaders(headers, types), headers)
  })
})

describe('carriage: the header with the rest', () => {
  const nowhere = () => false

  test('any message is itself again, with its headers as text and with them typed', () => {
    fc.assert(
      fc.property(anyMessage, fc.boolean(), (message, bmp) => {
        const { text: written, note } = bodyAsText(message.body, takers.strict!)
        const types: [string, string][] = []
        const headers = Object.entries(message.headers).map(([name, value]): [string, Value] => {
          const { text: said, type } = headerAsText(value, takers.strict!)
          if (type !== undefined) types.push([name, type])
          return [name, string(said)]
        })
        const notes = { ...note, ...(types.length > 0 && { headers: Object.fromEntries(types) }) }
        const json = propertiesJson(message.properties, nowhere, notes, bmp)
        if (json !== undefined) {
          assert.ok(takers.strict!(json), json)
          if (bmp) assert.doesNotMatch(json, /[\u{10000}-\u{10ffff}]/u)
          headers.push([propertiesName, string(json)])
        }
        const arrived: Message = {
          address: message.address,
          body: { kind: 'text', text: written },
          properties: {},
          headers: Object.fromEntries(headers),
        }
        const { message: again, fault } = restored(arrived)
        assert.equal(fault, undefined)
        const { deduplicationId: _, ...properties } = message.properties
        same(again.body, message.body)
        same(again.headers, message.headers)
        same(new Map(Object.entries(again.properties)), new Map(Object.entries(properties)))
      }),
      { numRuns: 1_000 },
    )
  })

  test('control characters, noncharacters and lone surrogates are escaped, whatever holds them', () => {
    const odd = '\x00\x7f\x9f\ufdd0\ufffe\uffff\u{1ffff}\ud800é🦑'
    const types = { [odd]: 'int64' }
    const json = propertiesJson({ subject: odd, correlationId: text(odd) }, nowhere, { body: 'map', types })!
    assert.doesNotMatch(json, /[\x7f-\x9f\p{Noncharacter_Code_Point}\p{Surrogate}]/u)
    assert.deepEqual(parseProperties(json), {
      properties: { subject: odd, correlationId: text(odd) },
      notes: { body: 'map', types },
    })
    assert.match(json, /🦑/)
    assert.doesNotMatch(propertiesJson({ subject: odd }, nowhere, {}, true)!, /🦑/)
  })

  test('is not there when there is nothing to say, and has no number that is none', () => {
    const own = { deduplicationId: 'd', delay: 5, createdAt: Number.NaN }
    assert.equal(propertiesJson(own, nowhere), undefined)
    assert.equal(
      propertiesJson({ groupId: 'g', priority: 4, trail: 'b/r' }, name => name === 'groupId', {
        body: 'bytes',
      }),
      '{"priority":4,"trail":"b/r","body":"bytes"}',
    )
  })

  const foreign = [
    '',
    'null',
    '5',
    '[]',
    '{}',
    '{',
    '{"tenant":"acme"}',
    '{"priority":"high"}',
    '{"priority":1e400}',
    '{"messageId":7}',
    '{"messageId":{"int8":300}}',
    '{"body":"video"}',
    '{"body":["text"]}',
    '{"encoding":"rot13"}',
    '{"headers":[]}',
    '{"headers":{"a":5}}',
    '{"types":"int32"}',
    '{"__proto__":{"body":"text"}}',
    '{"constructor":"x"}',
    `{"messageId":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    `{"types":${'['.repeat(5_000)}`,
  ]
  for (const written of foreign) {
    test(`one that somebody else wrote stays a header: ${written.slice(0, 40)}`, () => {
      const message: Message = {
        address: 'q',
        body: { kind: 'text', text: 'b' },
        properties: { priority: 1 },
        headers: { [propertiesName]: text(written) },
      }
      assert.deepEqual(restored(message), { message })
    })
  }

  test('times past 2^53 and with fractions, as AMQP 1.0 can have them, come back with all that stands beside them', () => {
    for (const expiresAt of [2 ** 63, -(2 ** 63), 1e300, 1.5]) {
      const properties = { expiresAt, createdAt: expiresAt, trail: 'a/b' }
      const json = propertiesJson(properties, () => false, { body: 'bytes', encoding: 'base64' })!
      assert.deepEqual(parseProperties(json), { properties, notes: { body: 'bytes', encoding: 'base64' } })
    }
    assert.equal(parseProperties('{"expiresAt":1e999}'), undefined)
    assert.equal(parseProperties('{"priority":0.5}'), undefined)
  })

  test('one that is no text stays a header', () => {
    const headers = { [propertiesName]: { type: 'bytes', value: Buffer.from('{"priority":4}') } as const }
    const message: Message = { address: 'q', body: { kind: 'none' }, properties: {}, headers }
    assert.deepEqual(restored(message), { message })
  })

  test('a body that was changed on the way is a fault, and the message is as it came', () => {
    const headers = { [propertiesName]: text('{"priority":4,"body":"bytes","encoding":"base64"}') }
    const message: Message = { address: 'q', body: { kind: 'text', text: 'edited' }, properties: {}, headers }
    const { message: came, fault } = restored(message)
    assert.equal(came, message)
    assert.match(
      String(fault),
      /the body is not the bytes that its sluice_properties say: one of them was changed/,
    )
  })
})

describe('carriage: JSON', () => {
  test('is read as JSON.parse reads it, and refused where it refuses', () => {
    const value = (json: unknown): unknown => {
      if (Array.isArray(json)) return json.map(value)
      if (typeof json !== 'object' || json === null) return json
      if ('text' in json) return Number(json.text)
      const { pairs } = json as { pairs: readonly [string, unknown][] }
      return Object.fromEntries(pairs.map(([key, inner]) => [key, value(inner)]))
    }
    const compare = (json: string) => {
      let expected: unknown
      try {
        expected = JSON.parse(json)
      } catch {
        return assert.throws(() => parseJsonText(json), SyntaxError)
      }
      assert.deepEqual(value(parseJsonText(json)), expected)
    }
    fc.assert(fc.property(fc.json({ stringUnit: 'binary' }), compare))
    // Cut off, doubled, with something in the middle.
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(20),
        fc.constantFrom('', ',', '"', '\\', '}', ']', '0', ' ', '\n'),
        (json, at, more) => compare(json.slice(0, at) + more + json.slice(at + 1)),
      ),
      { numRuns: 2_000 },
    )
    for (const json of [
      '',
      ' ',
      '01',
      '1.',
      '.5',
      '+1',
      '-',
      '1e',
      '"\n"',
      '"\\x"',
      '"\\u12"',
      '{a:1}',
      '[1,]',
      '{"a":1,}',
      'nul',
      '1 2',
      '"a',
    ])
      compare(json)
  })

  test('typed JSON is itself again', () => {
    fc.assert(
      fc.property(anyValue, fc.boolean(), (value, bmp) => same(parseTypedJson(typedJson(value, bmp)), value)),
      { numRuns: 1_000 },
    )
  })
})
