import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { compileMapping, compileRules, type Rule } from '../../src/route/mapping/mapping.ts'
import type { CastType } from '../../src/route/mapping/rules/cast.ts'
import type { Mapped } from '../../src/route/mapping/step.ts'
import { mistakesOf } from './mapping-mistakes.ts'

const message: Message = {
  address: 'plant/l1/m7/temp/max',
  body: { kind: 'text', text: '{"items":[{"no":1},{"no":2}],"total":7}' },
  properties: { contentType: 'application/json', contentEncoding: 'gzip' },
  headers: { kind: text('order'), qty: text('12') },
}

const mapped = async (rules: readonly Rule[], of: Partial<Message> = {}): Promise<Mapped | undefined> =>
  compileMapping(rules)({ ...message, ...of })

const refusal = async (rules: readonly Rule[], of: Partial<Message> = {}): Promise<string> => {
  try {
    await mapped(rules, of)
  } catch (error) {
    assert.equal((error as Error).name, 'MessageRefused')
    return (error as Error).message
  }
  return ''
}

describe('a mapping', () => {
  it('runs at once where no rule takes time', () => {
    const rules: Rule[] = [
      { match: ['plant/{line}/#'] },
      { drop: ['headers.none'] },
      { cast: { headers: { qty: 'int32' } } },
      { set: { headers: { line: '${captures.line}' }, subject: 'x', group_id: 'a-${headers.kind}' } },
      { set: { address: '${headers.kind}' } },
    ]
    const result = compileMapping(rules)(message)
    assert.ok(!(result instanceof Promise))
    assert.deepEqual([result?.address, result?.headers.line], ['order', text('l1')])
  })

  it('waits for rules that take time, in their order', async () => {
    const result = await mapped([
      { set: { headers: { sum: '${$sum(body.items.no)}' } } },
      { set: { headers: { twice: '${headers.sum * 2}' } } },
      { rename: { 'headers.twice': 'headers.done' } },
    ])
    assert.deepEqual(result?.headers.done, { type: 'int32', value: 6 })
  })

  it('can be run rule by rule, each with its number and name', async () => {
    const steps = compileRules([{ drop: ['headers.kind'] }, { drop_if: 'false' }])
    assert.deepEqual(
      steps.map(({ number, name }) => [number, name]),
      [
        [1, 'drop'],
        [2, 'drop_if'],
      ],
    )
    assert.deepEqual(Object.keys((await steps[0]!.run(message))!.headers), ['qty'])
  })

  it('says which rule of which mapping refused', async () => {
    const rules: Rule[] = [{ drop_if: 'false' }, { set: { subject: '${headers.missing}' } }]
    assert.match(await refusal(rules), /^rule 2 \(set\): the mapping reads headers\.missing/)
    await assert.rejects(
      async () => compileMapping(rules, 'target main')(message),
      /^MessageRefused: target main, rule 2 \(set\): the mapping reads/,
    )
  })

  it('says every mistake in its rules at once', () => {
    const found = mistakesOf(
      { drop_if: 'headers.(' },
      { set: { headers: { a: '${headers.(}' }, subject: 'x-${headers.a' } },
      { route: { cases: [{ when: 'true', address: '${a b}' }], default: '${' } },
      { match: ['a/{b'] },
    )
    assert.deepEqual(
      found.map(said => said.replace(/:.*/, '')),
      [
        '0 drop_if',
        '1 set headers a',
        '1 set subject',
        '2 route cases 0 address',
        '2 route default',
        '3 match 0',
      ],
    )
  })
})

describe('set', () => {
  it('sets an address, and the message still knows where it came from', async () => {
    const result = await mapped([{ set: { address: 'orders-${headers.kind}' } }, { set: { address: 'b' } }])
    assert.deepEqual([result?.address, result?.origin], ['b', message.address])
    assert.match(await refusal([{ set: { address: '${""}' } }]), /the address comes to nothing/)
  })

  it('sets a body: text, or the map or list that a lone expression gives', async () => {
    const bodyOf = async (body: string | number) => (await mapped([{ set: { body } }]))?.body
    assert.deepEqual(await bodyOf('total ${body.total}'), { kind: 'text', text: 'total 7' })
    assert.deepEqual(await bodyOf('${body.total}'), { kind: 'text', text: '7' })
    assert.deepEqual(await bodyOf(5), { kind: 'text', text: '5' })
    assert.deepEqual(await bodyOf('${body.items[0]}'), {
      kind: 'map',
      entries: [[text('no'), { type: 'int32', value: 1 }]],
    })
    assert.equal((await bodyOf('${body.items.no}'))?.kind, 'list')
    const binary: Value = { type: 'bytes', value: Buffer.from([0xff]) }
    const result = await mapped([{ set: { body: '${headers.raw}' } }], { headers: { raw: binary } })
    assert.deepEqual(result?.body, { kind: 'bytes', bytes: Buffer.from([0xff]) })
    assert.equal('contentEncoding' in result!.properties, false)
  })

  it('makes all values from the message as it was before the rule', async () => {
    const result = await mapped([
      {
        set: {
          headers: { kind: 'new' },
          subject: '${headers.kind}',
          address: '${address}/x',
          body: '${address}',
        },
      },
    ])
    assert.deepEqual(
      [result?.properties.subject, result?.address, result?.body],
      ['order', `${message.address}/x`, { kind: 'text', text: message.address }],
    )
  })
})

describe('constants of set', () => {
  it('that can never do are mistakes in the configuration', () => {
    const found = mistakesOf(
      { set: { priority: 11, delay: '5x', expires_in: -1, address: '', headers: { a: '' }, subject: '' } },
      { set: { priority: '9', delay: '5s', expires_in: 0, address: 'a' } },
      { set: { priority: '${11}' } },
    )
    assert.deepEqual(
      found.map(said => said.replace(/:? (to|is written|is a) .*/, '')),
      [
        '0 set address: the address comes',
        '0 set priority: a priority',
        '0 set delay: a duration',
        '0 set expires_in: a duration',
      ],
    )
  })
})

describe('transform', () => {
  it('makes a new body, and refuses where the expression gives nothing', async () => {
    const bodyOf = async (transform: string) => (await mapped([{ transform }]))?.body
    assert.deepEqual(await bodyOf('{ "n": body.total }'), {
      kind: 'map',
      entries: [[text('n'), { type: 'int32', value: 7 }]],
    })
    assert.deepEqual(await bodyOf('headers.kind'), { kind: 'text', text: 'order' })
    assert.deepEqual(await bodyOf('body.total = 7'), { kind: 'text', text: 'true' })
    assert.deepEqual(await bodyOf('body.total / 2'), { kind: 'text', text: '3.5' })
    assert.match(await refusal([{ transform: 'body.none' }]), /rule 1 \(transform\): .* gives nothing/)
  })
})

describe('match', () => {
  const captures = async (match: readonly string[], address: string) => {
    const found = (await mapped([{ match }], { address }))?.captures ?? {}
    return Object.fromEntries(Object.entries(found).map(([k, v]) => [k, v.type === 'string' && v.value]))
  }

  it('gives levels of the address to expressions, by the first pattern that fits', async () => {
    assert.deepEqual(await captures(['plant/{line}/{machine}/#'], 'plant/a/b/c/d'), {
      line: 'a',
      machine: 'b',
    })
    assert.deepEqual(await captures(['plant/{line}/#'], 'plant/a'), { line: 'a' })
    assert.match(await refusal([{ match: ['plant/{line}/#'] }], { address: 'plant' }), /fits none/)
    assert.deepEqual(await captures(['x/{a}', '{b}/{rest...}'], 'y/1/2'), { b: 'y', rest: '1/2' })
    assert.deepEqual(await captures(['{b}/{rest...}'], 'y'), { b: 'y', rest: '' })
    assert.deepEqual(await captures(['a/+/{c}'], 'a/b/c'), { c: 'c' })
    assert.deepEqual(await captures(['orders.*.{country}'], 'orders.new.de'), { country: 'de' })
    assert.deepEqual(await captures(['{queue}'], 'ORDERS'), { queue: 'ORDERS' })
    assert.deepEqual(await captures(['{a}.{rest...}'], 'x.y.z'), { a: 'x', rest: 'y.z' })
    assert.deepEqual(await captures(['a/b.c'], 'a/b.c'), {})
  })

  it('keeps what an earlier one found', async () => {
    const result = await mapped([{ match: ['plant/{line}/#'] }, { match: ['+/+/{machine}/#'] }])
    assert.deepEqual(result?.captures, { line: text('l1'), machine: text('m7') })
  })

  it('refuses an address that no pattern fits', async () => {
    assert.equal(
      await refusal([{ match: ['plant/{line}', '{a}/b'] }]),
      'rule 1 (match): the address plant/l1/m7/temp/max fits none of plant/{line}, {a}/b',
    )
  })

  it('says what is no pattern', () => {
    assert.deepEqual(mistakesOf({ match: ['a/#/b', '{a...}/b', '{a}/{a}', 'a-{b}/c', '{a b}', '#', ''] }), [
      '0 match 0: # stands for all levels that are left, and so at the end only',
      '0 match 1: {a...} stands for all levels that are left, and so at the end only',
      '0 match 2: {a} stands twice in "{a}/{a}"',
      '0 match 3: expected a whole level as {NAME}, found "a-{b}"',
      '0 match 4: expected a name of letters, digits and "_" in {a b}',
      '0 match 6: expected a pattern such as plant/{line}/#',
    ])
    assert.deepEqual(mistakesOf({ match: ['+', '*', '+/a'] }), [
      '0 match 0: + is any level between slashes, and this pattern has none: write * or {NAME} for an address of one level',
    ])
  })
})

describe('route', () => {
  const rule: Rule = {
    route: {
      cases: [
        { when: 'headers.kind = "order"', address: 'orders' },
        { when: '$contains(headers.kind, "x")', address: 'x-${headers.kind}' },
      ],
    },
  }

  it('sets the address of the first case that is true, else the default', async () => {
    assert.equal((await mapped([rule]))?.address, 'orders')
    assert.equal((await mapped([rule], { headers: { kind: text('ax') } }))?.address, 'x-ax')
    const other = { headers: { kind: text('a') } }
    const withDefault = { route: { ...rule.route!, default: 'rest' } }
    assert.equal((await mapped([withDefault], other))?.address, 'rest')
    assert.equal((await mapped([withDefault], other))?.origin, message.address)
    assert.match(await refusal([rule], other), /rule 1 \(route\): no case is true .* no default/)
  })

  it('refuses a condition that is neither true nor false', async () => {
    const wrong: Rule = { route: { cases: [{ when: 'headers.kind', address: 'a' }], default: 'b' } }
    assert.match(await refusal([wrong]), /"headers\.kind" is a string for this message/)
  })
})

describe('cast', () => {
  const castOf = async (type: CastType, written: string | Value): Promise<unknown> => {
    const value = typeof written === 'string' ? text(written) : written
    const result = await mapped([{ cast: { headers: { h: type, none: 'int8' } } }], { headers: { h: value } })
    assert.deepEqual(Object.keys(result!.headers), ['h'])
    assert.equal(result?.headers.h?.type, type)
    return 'value' in result!.headers.h! ? result!.headers.h.value : undefined
  }

  it('gives text its type', async () => {
    assert.equal(await castOf('int8', '-128'), -128)
    assert.equal(await castOf('uint32', '4294967295'), 4294967295)
    assert.equal(await castOf('int64', '9223372036854775807'), 2n ** 63n - 1n)
    assert.equal(await castOf('uint64', '18446744073709551615'), 2n ** 64n - 1n)
    assert.equal(await castOf('float64', '1.5e3'), 1500)
    assert.equal(await castOf('float32', '0.1'), Math.fround(0.1))
    assert.equal(await castOf('float64', '0.12345678901234567890123'), 0.12345678901234568)
    assert.equal(await castOf('float64', '9007199254740994'), 2 ** 53 + 2)
    assert.equal(await castOf('float64', `${'0'.repeat(400)}7`), 7)
    assert.equal(
      await castOf('float64', { type: 'float32', value: Math.fround(1.2345e20) }),
      Math.fround(1.2345e20),
    )
    assert.equal(await castOf('float32', '16777218'), 16_777_218)
    assert.equal(await castOf('float64', '-0.000e5'), -0)
    assert.equal(await castOf('float64', 'NaN'), Number.NaN)
    assert.equal(await castOf('timestamp', '2026-01-01T00:00:00.120000Z'), Date.UTC(2026, 0, 1, 0, 0, 0, 120))
    assert.equal(await castOf('bool', 'TRUE'), true)
    assert.equal(await castOf('timestamp', '1700000000000'), 1_700_000_000_000)
    assert.equal(
      await castOf('timestamp', '2026-01-02T03:04:05.678+01:00'),
      Date.UTC(2026, 0, 2, 2, 4, 5, 678),
    )
    assert.equal(await castOf('timestamp', '2026-01-02T03:04-0100'), Date.UTC(2026, 0, 2, 4, 4))
    assert.equal(await castOf('timestamp', '2026-01-02'), Date.UTC(2026, 0, 2))
    assert.deepEqual(await castOf('bytes', 'AP8='), Buffer.from([0, 255]))
    assert.equal(await castOf('decimal', '12345678901234567890.10'), '12345678901234567890.10')
    assert.equal(await castOf('symbol', 'x'), 'x')
    assert.equal(
      await castOf('uuid', '0F0E0D0C-0B0A-0908-0706-050403020100'),
      '0f0e0d0c-0b0a-0908-0706-050403020100',
    )
  })

  it('gives another type to what has one, where it fits', async () => {
    assert.equal(await castOf('int64', { type: 'int32', value: 5 }), 5n)
    assert.equal(await castOf('string', { type: 'int64', value: 2n ** 60n }), String(2n ** 60n))
    assert.equal(await castOf('int32', { type: 'float64', value: 5 }), 5)
    assert.equal(await castOf('decimal', { type: 'decimal', value: '1E+5' }), '1E+5')
    assert.equal(await castOf('string', { type: 'bytes', value: Buffer.from('é') }), 'é')
  })

  it('refuses what does not fit, and says what it was', async () => {
    const said = async (type: CastType, value: Value) =>
      (await refusal([{ cast: { headers: { h: type } } }], { headers: { h: value } })).replace(
        'rule 1 (cast): headers.h is no ',
        '',
      )
    assert.equal(await said('int8', text('128')), 'int8 but "128"')
    assert.equal(await said('int32', text(' 5')), 'int32 but " 5"')
    assert.equal(await said('bool', text('yes')), 'bool but "yes"')
    assert.match(await said('timestamp', text('2026-01-02T03:04:05')), /^timestamp but .*with a zone$/)
    assert.match(await said('timestamp', text('2026-13-02')), /^timestamp but/)
    assert.match(await said('timestamp', text('2026-02-29')), /^timestamp but/)
    assert.match(await said('timestamp', text('2026-04-31T12:00:00Z')), /^timestamp but/)
    assert.match(await said('bytes', text('no base64!')), /^bytes but/)
    assert.match(await said('float32', text('1e39')), /too large/)
    assert.match(await said('float64', text('1e999')), /^float64 but .*too large/)
    assert.match(
      await said('float64', text('9007199254740993')),
      /^float64 but .*: it would become 9007199254740992$/,
    )
    assert.match(
      await said('float64', { type: 'int64', value: 2n ** 53n + 1n }),
      /^float64 but .*: it would become/,
    )
    assert.match(await said('float32', text('16777217')), /^float32 but .*: it would become 16777216$/)
    assert.match(await said('float64', text('1e-400')), /^float64 but .*: it would become 0$/)
    assert.match(await said('float32', text('-0.1e-60')), /^float32 but .*: it would become 0$/)
    assert.match(
      await said('timestamp', text('2026-01-01T00:00:00.123456Z')),
      /^timestamp but .*: it has more than milliseconds$/,
    )
    assert.equal(await said('int32', { type: 'float64', value: 5.5 }), 'int32 but 5.5 (float64)')
    assert.equal(await said('string', { type: 'list', value: [] }), 'string but a list')
    assert.match(await said('string', { type: 'bytes', value: Buffer.from([0xff]) }), /^string but/)
  })
})
