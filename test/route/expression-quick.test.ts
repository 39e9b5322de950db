import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import jsonata from 'jsonata'
import type { Body } from '../../src/core/message.ts'
import type { Entry, Value } from '../../src/core/value.ts'
import { compileJsonata } from '../../src/route/mapping/expression/evaluation.ts'
import { compileExpression } from '../../src/route/mapping/expression/expression.ts'
import { fromPlain, toPlain } from '../../src/route/mapping/expression/plain.ts'
import { quick } from '../../src/route/mapping/expression/quick/quick.ts'
import { readable, unsure } from '../../src/route/mapping/expression/reading.ts'
import { allRoots } from '../../src/route/mapping/expression/roots.ts'
import type { Mapped } from '../../src/route/mapping/step.ts'

const names = ['a', 'b', 'c', 'x-y', 'length', 'sequence', 'constructor', '__proto__', 'and']
const name = fc.oneof({ weight: 6, arbitrary: fc.constantFrom('a', 'b') }, fc.constantFrom(...names))
const words = ['', 'a', 'b', '7', '12', 'true', 'é "q"\\', '9007199254740993']
const numbers = [0, -0, 1, -7, 5, 0.1, 0.1 + 0.2, 1e21, 1e-7, 2 ** 53 - 1, 7]

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constantFrom(...words).map(value => ({ type: 'string', value }) as const),
  fc.constantFrom(-5, 0, 1, 7, 12).map(value => ({ type: 'int32', value }) as const),
  fc
    .constantFrom(0n, 7n, -7n, 2n ** 53n - 1n, 2n ** 53n, 9_007_199_254_740_993n, -(2n ** 63n))
    .map(value => ({ type: 'int64', value }) as const),
  fc.constantFrom(7n, 2n ** 64n - 1n).map(value => ({ type: 'uint64', value }) as const),
  fc
    .constantFrom(...numbers, Number.NaN, Number.POSITIVE_INFINITY)
    .map(value => ({ type: 'float64', value }) as const),
  fc.boolean().map(value => ({ type: 'bool', value }) as const),
  fc.constant({ type: 'null' } as const),
  fc.constantFrom('12.50', '99999999999999999999999').map(value => ({ type: 'decimal', value }) as const),
  fc
    .constantFrom(0, 1_700_000_000_000, 1e20, Number.NaN)
    .map(value => ({ type: 'timestamp', value }) as const),
  fc.constantFrom('', 'ab').map(value => ({ type: 'bytes', value: Buffer.from(value) }) as const),
)
const { value } = fc.letrec<{ value: Value }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    { arbitrary: scalar, weight: 5 },
    fc.array(tie('value'), { maxLength: 3 }).map(items => ({ type: 'list', value: items }) as const),
    fc
      .array(fc.tuple(key(), tie('value')), { maxLength: 3 })
      .map(entries => ({ type: 'map', value: withoutPeeked(entries) }) as const),
  ),
}))
/** JSONata looks at some keys of its own accord, `sequence` and `length` say, and would refuse where they stand twice. */
function withoutPeeked(entries: readonly Entry[]): readonly Entry[] {
  const keys = entries.map(([k]) => String(toPlain(k)))
  return entries.filter((_, i) => /^[abc]$/.test(keys[i]!) || keys.indexOf(keys[i]!) === i)
}
function key(): fc.Arbitrary<Value> {
  return name.map(k => ({ type: 'string', value: k }) as const)
}
const headers = fc.dictionary(name, value, { noNullPrototype: true })

/** JSON with all digits of its integers. */
const json = (v: Value): string => {
  switch (v.type) {
    case 'list':
      return `[${v.value.map(json)}]`
    case 'map':
      return `{${v.value.map(([k, inner]) => `${JSON.stringify(toPlain(k))}: ${json(inner)}`)}}`
    case 'int64':
    case 'uint64':
      return String(v.value)
    default:
      return JSON.stringify(toPlain(v))
  }
}
/** What is sorted, gathered and gone through: maps with the same keys. */
const rows = fc
  .array(fc.array(fc.tuple(key(), scalar), { minLength: 1, maxLength: 3 }), { maxLength: 4 })
  .map(
    list =>
      ({
        type: 'list',
        value: list.map(entries => ({ type: 'map', value: withoutPeeked(entries) }) as const),
      }) as const,
  )
const body: fc.Arbitrary<Body> = fc.oneof(
  rows.map(list => ({ kind: 'text', text: `{"a": ${json(list)}, "b": ${json(list)}}` }) as const),
  value.map(v => ({ kind: 'text', text: json(v) }) as const),
  value.map(v => ({ kind: 'bytes', bytes: Buffer.from(json(v)) }) as const),
  fc
    .array(fc.tuple(key(), value), { maxLength: 4 })
    .map(entries => ({ kind: 'map', entries: withoutPeeked(entries) }) as const),
  fc.array(value, { maxLength: 2 }).map(items => ({ kind: 'list', items }) as const),
  fc.constantFrom<Body>({ kind: 'none' }, { kind: 'text', text: '<order/>' }, { kind: 'text', text: '-x' }),
)
const message: fc.Arbitrary<Mapped> = fc.record(
  {
    address: fc.constantFrom('a', 'ORDERS', ''),
    body,
    properties: fc.record(
      {
        messageId: scalar,
        correlationId: value,
        replyTo: fc.constantFrom('a', ''),
        priority: fc.constantFrom(0, 7),
        durable: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
    headers,
    captures: headers,
    lookup: headers,
  },
  { requiredKeys: ['address', 'body', 'properties', 'headers'] },
)

const quoted = (n: string) => `\`${n}\``
const path = fc.oneof(
  { weight: 4, arbitrary: name.map(n => `headers.${quoted(n)}`) },
  {
    weight: 3,
    arbitrary: fc.array(name, { maxLength: 3 }).map(steps => ['body', ...steps.map(quoted)].join('.')),
  },
  fc.array(name, { minLength: 1, maxLength: 3 }).map(steps => ['headers', ...steps.map(quoted)].join('.')),
  fc
    .tuple(fc.constantFrom('captures', 'lookup'), fc.array(name, { minLength: 1, maxLength: 2 }))
    .map(([root, steps]) => [root, ...steps.map(quoted)].join('.')),
  fc
    .constantFrom(
      'message_id',
      'messageId',
      'correlation_id',
      'correlation_id.a',
      'reply_to',
      'priority',
      'durable',
      'nope',
    )
    .map(p => `properties.${p}`),
  fc.constantFrom('address', 'address.a', 'headers', 'headers."a"'),
)
const literal = fc.oneof(
  fc.constantFrom(...words.map(w => JSON.stringify(w)), "'single'", 'true', 'false', 'null'),
  fc.constantFrom('0', '-0', '7', '-7', '0.30000000000000004', '1e21', '9007199254740991', '12'),
)
const inner = fc.array(name, { minLength: 1, maxLength: 2 }).map(steps => steps.map(quoted).join('.'))
const many = fc.oneof({ weight: 3, arbitrary: fc.constantFrom('body.a', 'body.b', '$v', '$$.body.a') }, path)
const terms = fc
  .array(fc.tuple(fc.constantFrom('', '<', '>'), inner), { minLength: 1, maxLength: 2 })
  .map(all => all.map(([way, by]) => way + by).join(', '))
const after = fc.oneof(
  fc.constantFrom('', '[0]', '[-1]', '[0].a', '[1][0]'),
  inner.map(n => `.${n}`),
  fc.tuple(inner, inner).map(([a, b]) => `[${a} = $v].${b}`),
)
const variable = fc.constantFrom('$v', '$w', '$', '$v.a', '$w.a', '$.b', '$v * 2', '$v & $w', '$$.body.a')
const { expression } = fc.letrec<{ expression: string }>(tie => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    { weight: 3, arbitrary: path },
    { weight: 2, arbitrary: variable },
    literal,
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          tie('expression'),
          fc.constantFrom(...'= != < <= > >= and or & & = ?? ?: + - * / %'.split(' ')),
          tie('expression'),
        )
        .map(parts => parts.join(' ')),
    },
    tie('expression').map(e => `(${e})`),
    fc
      .tuple(path, tie('expression'), inner, inner)
      .map(([p, e, a, b]) => `${p}.(${a} ${e.length % 2 ? '*' : '='} ${b})`),
    fc
      .tuple(path, inner, tie('expression'))
      .map(([p, a, e]) => `${p}.{"x": ${a}, "a": ${e}}.${e.length % 2 ? 'x' : 'a'}`),
    fc
      .tuple(path, tie('expression'), inner)
      .map(([p, e, a]) => `${p}[${a} ${e.length % 2 ? '=' : '>'} ${e}]`),
    fc.tuple(path, inner, inner).map(([p, a, b]) => `${p}[${a}].${b}`),
    fc.tuple(path, fc.constantFrom(0, -1, 1.5, 7, -9), inner).map(([p, i, a]) => `${p}[${i}].${a}`),
    fc.tuple(path, inner).map(([p, a]) => `${p}.${a}[0][${a}]`),
    fc.tuple(tie('expression'), inner).map(([e, a]) => `(${e}).${a}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `{"a": ${a}, "b": ${b}}`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `[${a}, ${b}]`),
    fc
      .tuple(
        fc.constantFrom(...'exists not sum max min average count string uppercase'.split(' ')),
        tie('expression'),
      )
      .map(([f, e]) => `$${f}(${e})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `$join(${a}, ${b})`),
    tie('expression').map(e => `-(${e})`),
    fc
      .tuple(tie('expression'), fc.constantFrom('$sum()', '$count()', '$join("-")', '$sum'))
      .map(([e, f]) => `(${e}) ~> ${f}`),
    fc.tuple(many, terms, after).map(([p, by, then]) => `${p}^(${by})${then}`),
    fc.tuple(tie('expression'), terms, after).map(([e, by, then]) => `(${e})^(${by})${then}`),
    fc.tuple(tie('expression'), after).map(([e, then]) => `(${e})${then}`),
    fc.tuple(many, inner, tie('expression')).map(([p, k, e]) => `${p}{${k}: ${e}}`),
    fc.tuple(many, inner, tie('expression')).map(([p, k, e]) => `${p}.{${k}: ${e}, "z": ${k}}`),
    fc.tuple(many, tie('expression')).map(([p, e]) => `${p}.(${e})`),
    fc
      .tuple(
        fc.constantFrom('$map', '$filter'),
        many,
        fc.constantFrom('$v', '$v, $w', '$, $v'),
        tie('expression'),
        after,
      )
      .map(([f, p, v, e, then]) => `${f}(${p}, function(${v}) { ${e} })${then}`),
    fc
      .tuple(many, fc.constantFrom('$map', '$filter'), many, tie('expression'))
      .map(([p, f, q, e]) => `$map(${p}, function($v) { ${f}(${q}, function($w) { ${e} }) })`),
    fc
      .tuple(many, tie('expression'), fc.constantFrom('', ', 0', ', ""', ', body.none'))
      .map(([p, e, init]) => `$reduce(${p}, function($v, $w) { ${e} }${init})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `($v := ${a}; ${b})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `($sum := ${a}; $w := $v; ${b})`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(${a}) ? ${b} : ${c}`),
  ),
}))

/** The plain value, or that it refused: an expression that cannot be compiled refuses all messages. */
async function outcome(evaluate: () => unknown): Promise<unknown> {
  try {
    const result = fromPlain(await evaluate())
    return result && toPlain(result)
  } catch {
    return 'refused'
  }
}

describe('the quick way of expressions', () => {
  it('answers as JSONata does, or refuses where it refuses', async () => {
    let answered = 0
    let all = 0
    await fc.assert(
      fc.asyncProperty(expression, message, async (source, on) => {
        const theirs = await outcome(() => jsonata(source).evaluate(readable(on, allRoots)))
        const ours = await outcome(async () => {
          const result = await compileExpression(source)(on)
          return result && toPlain(result)
        })
        assert.deepEqual(ours, theirs, source)
        all++
        if (ours === 'refused') return
        const answer = quick(compileJsonata(source).syntax)?.(on)
        if (answer !== unsure && answer !== undefined) answered++
      }),
      { numRuns: Number(process.env.SLUICE_RUNS ?? 1_500) },
    )
    assert.ok(answered > all / 16, `${answered} of ${all} answered at once`)
  })

  it('answers so in the corners', async () => {
    const text =
      '{"f": 0.30000000000000004, "nest": [[{"a": 1}, {"a": [2, 3]}], [[{"a": 4}]], 5], "one": [[7]], "q": [1, null], "p": [{"i": 1}, {"i": 0}], "s": [{}, {"i": 2, "n": 1}, {"i": 1, "n": 2}, {"i": 2, "n": 3}, {}], "t": [{"i": 1, "x": 1, "x": 2}, {"i": 2}]}'
    const list: Value = { type: 'list', value: [{ type: 'map', value: [] }] }
    const on: Mapped = { address: 'a', body: { kind: 'text', text }, properties: {}, headers: { list } }
    for (const source of [
      'body.f & ""',
      'body.nest.a',
      'body.nest.{"x": a}',
      'body.nest.(a + 1)',
      'body.nest[0]',
      'body.nest[0].a',
      'body.nest[-1]',
      'body.one',
      'body.one.(a)',
      'body.one[0]',
      'body.one[0][0]',
      '[body.one, [body.one], []]',
      '{"x": body.nest.a, "y": body.none}',
      '(body.one).a',
      'body.q[a = 1]',
      'body.p[i]',
      'body.p[i = 0].i',
      'body.q[$exists(a)]',
      '$count(body.q) & $count(body.none) & $count(body.f)',
      '$sum(body.one)',
      '$sum(body.nest.a)',
      'body.s^(i)',
      'body.s^(>i)',
      'body.s^(i, >n)',
      'body.t^(i, x).i',
      'headers.list^(i)',
      'body.p{$string(i): 1, $string(i): 2}',
      'body.nest{"x": a}',
      '($sum := 1; $sum(body.f))',
      '$join(body.none, 1)',
      '$map(body.one, function($v) { $v })[0]',
      '$reduce(body.one, function($a, $b) { $b }, 0)[0]',
    ]) {
      const theirs = await outcome(() => jsonata(source).evaluate(readable(on, allRoots)))
      const answer = quick(compileJsonata(source).syntax)?.(on) ?? unsure
      if (answer !== unsure) assert.deepEqual(await outcome(() => answer), theirs, source)
    }
  })

  it('answers what orders are ordinarily reshaped with, for orders of no line, one and several', async () => {
    const lines = [
      { sku: 'B', qty: 2, price: 3.5, tags: ['x', 'y'] },
      { sku: 'A', qty: 1, price: 3.5, tags: [] },
      { sku: 'C', qty: 5, price: 1, tags: ['x'] },
      { sku: 'A', qty: 3 },
    ]
    let answered = 0
    for (const source of ordinary) {
      for (const count of [0, 1, 2, 4]) {
        const text = JSON.stringify({ id: 'o-1', min: 2, lines: lines.slice(0, count) })
        const on: Mapped = { address: 'a', body: { kind: 'text', text }, properties: {}, headers: {} }
        const theirs = await outcome(() => jsonata(source).evaluate(readable(on, allRoots)))
        const answer = quick(compileJsonata(source).syntax)?.(on) ?? unsure
        assert.ok(answer !== unsure || count < 2, `${source} is left to JSONata`)
        if (answer === unsure) continue
        assert.deepEqual(await outcome(() => answer), theirs, source)
        if (theirs !== undefined) answered++
      }
    }
    assert.ok(answered > ordinary.length * 2, `${answered} are there`)
  })

  it('leaves what goes through lists in lists to JSONata, which looks at the clock', () => {
    const text = JSON.stringify({ lines: Array.from({ length: 1_000 }, (_, qty) => ({ qty })) })
    const on: Mapped = { address: 'a', body: { kind: 'text', text }, properties: {}, headers: {} }
    for (const source of [
      'body.lines[qty > $sum($$.body.lines.qty)]',
      '$map(body.lines, function($l) { $count($filter(body.lines, function($m) { $m.qty > $l.qty })) })',
      'body.lines^($sum($$.body.lines.qty))',
      'body.lines.($reduce($$.body.lines.qty, function($a, $b) { $a + $b }))',
      'body.lines{$string(qty): $count($$.body.lines{$string(qty): qty})}',
    ])
      assert.equal(quick(compileJsonata(source).syntax)!(on), unsure, source)
  })
})

const ordinary = [
  'body.lines^(price)',
  'body.lines^(>price, sku).sku',
  'body.lines^(>sku)[0].qty',
  'body.lines^(qty)[qty > 1].{"sku": sku, "order": $$.body.id}',
  '[body.lines^(qty).sku]',
  '$map(body.lines, function($l) { $l.sku & "/" & $l.qty })',
  '$map(body.lines, function($l, $i, $all) { $i & " of " & $count($all) })',
  '$map(body.lines, function($l) { $uppercase($l.sku) })',
  '$map(body.lines, function($l) { {"sku": $l.sku, "min": body.min} })',
  '$filter(body.lines, function($l) { $l.qty >= body.min }).sku',
  '$filter(body.lines, function($l) { $l.qty > 1 })[0].sku',
  '$reduce(body.lines.qty, function($sum, $qty) { $sum + $qty })',
  '$reduce(body.lines, function($sum, $l) { $sum + $l.qty }, 0)',
  '$join(body.lines.sku, ", ")',
  '$max(body.lines.qty) - $min(body.lines.qty) + $average(body.lines.qty)',
  'body.lines.(qty * price) ~> $sum()',
  'body.lines{sku: $sum(qty)}',
  'body.lines{sku: {"count": $count(qty), "all": [qty]}}',
  '($lines := body.lines; $most := $max($lines.qty); $lines[qty = $most].sku)',
  'body.lines.($q := qty; $$.body.min * $q)',
  'body.lines.(-qty)',
  '(body.lines)[-1].sku',
  'body.lines[$.qty = 1].sku',
  '{"lines": $map(body.lines, function($l) { [$map($l.tags, function($t) { $t & $l.sku })] })}',
]
