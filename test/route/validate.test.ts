import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import type { Body, Message } from '../../src/core/message.ts'
import { validate } from '../../src/route/mapping/rules/validate.ts'
import { bodyFrom, bytes, decoded, refuses } from './on-bodies.ts'

const order = {
  type: 'object',
  required: ['id', 'lines'],
  properties: {
    id: { type: 'integer', minimum: 1 },
    state: { enum: ['new', 'paid'] },
    at: { format: 'date-time' },
    sku: { pattern: '^(a+)+$' },
    lines: { type: 'array', items: { type: 'object', properties: { qty: { type: 'integer' } } } },
  },
  additionalProperties: false,
}

/** The message as it goes on. */
function checked(document: unknown, from: string | Uint8Array | Body): Message {
  const message = { address: 'in', body: bodyFrom(from), properties: {}, headers: {} }
  const mapped = validate({ schema: 'order.schema.json', document })(message)
  assert.equal(mapped, message)
  return message
}

describe('validate', () => {
  it('lets the message go on as it is, whether its body is text, bytes, a map or a list', () => {
    const json = '{"id": 7, "lines": [{"qty": 1}], "at": "2026-11-25T10:00:00Z", "sku": "aaa"}'
    checked(order, json)
    checked(order, Buffer.from(json))
    checked(order, decoded({ format: 'json' }, json))
    checked({ type: 'array', minItems: 2 }, decoded({ format: 'json' }, '[1, 2]'))
  })

  it('refuses with the paths and rules of the first three failures', () => {
    refuses(
      () => checked(order, '{"id": 0, "lines": [{"qty": "1"}, {"qty": 1.5}], "state": "old", "at": "today"}'),
      /^the body does not fit order\.schema\.json: \/id must be >= 1 \(minimum\); \/state must be equal to one of the allowed values: \["new","paid"\] \(enum\); \/at must match format "date-time" \(format\)$/,
    )
    refuses(
      () => checked(order, '{"id": 1, "more": 2}'),
      /json: the body must have required property 'lines' \(required\); the body must NOT have additional properties: more \(additionalProperties\)$/,
    )
    refuses(() => checked(order, '[]'), /json: the body must be object \(type\)$/)
    refuses(
      () => checked({ type: 'string', maxLength: 1 }, `"${'x'.repeat(99)}"`),
      /the body must NOT have more than 1 characters/,
    )
  })

  it('sees integers past 2^53 as numbers, in text and in maps', () => {
    const id = '{"id": 36893488147419103233, "lines": []}'
    checked(order, id)
    checked(order, decoded({ format: 'json' }, id))
    refuses(() => checked(order, id.replace('3689', '-3689')), /\/id must be >= 1/)
    checked(
      { properties: { n: { type: 'number' } } },
      decoded({ format: 'json' }, '{"n": 1.00000000000000000001}'),
    )
  })

  it('knows the drafts 7, 2019-09 and 2020-12 by $schema', () => {
    const tuple = (schema: object, $schema?: string) => () =>
      checked({ ...schema, ...($schema && { $schema }) }, '["a", 1]')
    // What is a tuple in draft 7 is prefixItems in 2020-12.
    refuses(
      tuple({ items: [{ type: 'integer' }] }, 'http://json-schema.org/draft-07/schema#'),
      /\/0 must be integer/,
    )
    refuses(
      tuple({ items: [{ type: 'integer' }] }, 'https://json-schema.org/draft/2019-09/schema'),
      /\/0 must be/,
    )
    refuses(
      tuple({ prefixItems: [{ type: 'integer' }] }, 'https://json-schema.org/draft/2020-12/schema'),
      /\/0 must/,
    )
    refuses(tuple({ prefixItems: [{ type: 'integer' }] }), /\/0 must be integer/)
    refuses(() => checked(false, '1'), /the body boolean schema is false/)
    assert.throws(
      tuple({}, 'http://json-schema.org/draft-04/schema#'),
      /^Error: \$schema is .*draft-04.*2020-12 are known$/,
    )
  })

  it('sees the keys that are written, and only those', () => {
    const named = { required: ['constructor'], properties: { toString: { type: 'integer' } } }
    refuses(() => checked(named, '{}'), /must have required property 'constructor' \(required\)$/)
    refuses(() => checked(named, '{"constructor": 1, "toString": "x"}'), /\/toString must be integer/)
    checked(named, '{"constructor": 1}')
    refuses(() => checked({ required: ['__proto__'] }, '{}'), /required property '__proto__'/)
    checked({ required: ['__proto__'] }, '{"__proto__": 1}')
    for (const body of ['{"a": 1, "a": "x"}', '[{"b": {"a": 1, "\\u0061": "x"}}]']) {
      refuses(
        () => checked({ properties: { a: { type: 'string' } } }, body),
        /^the body has a key that stands twice in an object, and only one of its values would be checked$/,
      )
      refuses(() => checked({}, decoded({ format: 'json' }, body)), /stands twice/)
    }
  })

  it('refuses a body that is no JSON', () => {
    refuses(() => checked(order, '{"id": 1,'), /^the body cannot be read as JSON: /)
    refuses(() => checked(order, bytes('7be4')), /^the body holds bytes that are no utf-8$/)
    refuses(
      () => checked(order, { kind: 'none' }),
      /^JSON is read from text or bytes, and the body is empty$/,
    )
  })

  it('is done soon with what is made to take long', () => {
    const list = { $defs: { n: { type: 'array', items: { $ref: '#/$defs/n' } } }, $ref: '#/$defs/n' }
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    refuses(() => checked(list, deep), /^the body (is nested too deep to be checked|cannot be read as JSON)/)
    refuses(
      () => checked(order, `{"id": 1, "lines": [], "sku": "${'a'.repeat(40)}!"}`),
      /\/sku must match pattern/,
    )
    refuses(
      () => checked({ items: { type: 'string' } }, `[${'1,'.repeat(2 ** 20)}1]`),
      /: \/0 must be string \(type\)$/,
    )
    refuses(
      () =>
        checked({ maxProperties: 1, properties: { k: { const: 1 } } }, `{"${'k'.repeat(9_999)}": 1, "k": 2}`),
      /\/k must be equal to constant \(const\)$/,
    )
  })

  it('knows the formats of texts soon, however long they are', () => {
    const url = { format: 'url' }
    checked(url, '"https://example.com/a?b=c#d"')
    refuses(() => checked(url, '"example.com"'), /must match format "url" \(format\)$/)
    refuses(() => checked(url, `"http://${'a:'.repeat(2 ** 19)}"`), /must match format "url" \(format\)$/)
    checked({ format: 'uri' }, `"data:,${'a'.repeat(2 ** 20)}"`)
  })

  it('finds items that are the same soon, however many there are', () => {
    const unique = { uniqueItems: true }
    const many = Array.from({ length: 100_000 }, (_, i) => `{"a": ${i}, "b": "x"}`)
    const from = performance.now()
    checked(unique, `[${many}]`)
    assert.ok(performance.now() - from < 2_000, `took ${performance.now() - from} ms`)
    refuses(
      () => checked(unique, `[${many}, {"b": "\\u0078", "a": 7.0}]`),
      /: the body must NOT have duplicate items \(items ## 7 and 100000 are identical\) \(uniqueItems\)$/,
    )
    refuses(
      () => checked({ properties: { l: unique } }, '{"l": [{"valueOf": 1}, {"valueOf": 1}]}'),
      /\/l must NOT/,
    )
    checked({ uniqueItems: false }, '[1, 1]')
  })

  it('takes the same items for equal as ajv does', () => {
    const unique = { uniqueItems: true }
    const theirs = new Ajv2020({ strict: false }).compile(unique)
    const item = fc.letrec<{ item: unknown }>(tie => ({
      item: fc.oneof(
        { maxDepth: 2 },
        fc.constantFrom(null, true, 0, -0, 1, 1.5, '', '1', 'true', 'null', 'a,b', '"', '[1]'),
        fc.array(tie('item'), { maxLength: 2 }),
        fc.dictionary(fc.constantFrom('a', 'b', '1', 'a":1,"b'), tie('item'), { maxKeys: 2 }),
      ),
    })).item
    fc.assert(
      fc.property(fc.array(item, { maxLength: 6 }), items => {
        const json = JSON.stringify(items)
        const mine = () => checked(unique, json)
        if (theirs(JSON.parse(json))) mine()
        else refuses(mine, /duplicate items/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is a mistake in the configuration where the schema would be checked later', () => {
    const asynchronous = { $async: true, type: 'object' }
    assert.throws(
      () => validate({ schema: 's', document: asynchronous }),
      /^Error: \$async is a keyword of ajv's own, and such a schema cannot be checked here$/,
    )
  })

  it('is a mistake in the configuration where the schema is none', () => {
    const compile = (document: unknown) => () => validate({ schema: 'order.schema.json', document })
    assert.throws(compile({ type: 'strin' }), /^Error: schema is invalid: data\/type must be equal/)
    assert.throws(compile({ $ref: 'other.json' }), /can't resolve reference other\.json/)
    assert.throws(compile({ pattern: '(?=a)' }), /the regular expression .* has lookahead/)
    assert.throws(compile({ pattern: '(' }), /Invalid regular expression/)
  })
})
