import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageRefused, sentence } from '../../src/core/errors.ts'
import type { Body } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'
import { compileExpression, ExpressionInvalid } from '../../src/route/mapping/expression/expression.ts'
import { fromPlain, toPlain, toText } from '../../src/route/mapping/expression/plain.ts'
import { compileTemplate } from '../../src/route/mapping/expression/template.ts'
import type { Mapped } from '../../src/route/mapping/step.ts'
import { decoded } from './on-bodies.ts'

const past: Value = { type: 'int64', value: 9_007_199_254_740_993n }
const message = (body: Body | string = '', headers: Record<string, Value> = {}): Mapped => ({
  address: 'ORDERS',
  body: typeof body === 'string' ? { kind: 'text', text: body } : body,
  properties: {},
  headers: { id: past, n: { type: 'int32', value: 5 }, text: { type: 'string', value: 'x' }, ...headers },
})

const evaluate = async (source: string, on: Mapped = message()) => compileExpression(source)(on)
const textOf = async (source: string, on?: Mapped) => {
  const value = await evaluate(source, on)
  return value && toText(value)
}
const refuses = async (source: string, said: RegExp, on?: Mapped) => {
  const error = await evaluate(source, on).then(
    value => assert.fail(`${source} is ${value && toText(value)}`),
    (e: unknown) => e,
  )
  assert.ok(error instanceof MessageRefused, String(error))
  assert.match(error.message, said)
}

describe('a body that expressions cannot read as it is', () => {
  const bytes: Body = { kind: 'bytes', bytes: Buffer.from([0xff, 0x41]) }
  const object: Body = { kind: 'object', bytes: Buffer.from('aced0005', 'hex') }

  it('is refused where one reads it, and only there', async () => {
    for (const source of [
      'body',
      'body & "!"',
      '{"raw": body}',
      'body.a',
      '$map([1, 2], function($n) { body })',
    ]) {
      await refuses(
        source,
        /bytes that are no UTF-8.*say by a rule "decode" before what they are/,
        message(bytes),
      )
      await refuses(source, /a serialised Java object/, message(object))
    }
    assert.equal(await textOf('headers.n', message(bytes)), '5')
    assert.throws(() => compileTemplate('order ${body}')(message(bytes)), /no UTF-8/)
  })

  it('is refused where a number would be infinite, and integers of any length are not', async () => {
    for (const number of ['1e400', '-2.5E+999', '1e0400'])
      await refuses(
        '{"x": body.a}',
        new RegExp(`holds ${number.replace('+', '.')}, a number past`),
        message(`{"a": ${number}}`),
      )
    assert.equal(await textOf('body.a', message('{"a": 1e300}')), '1e+300')
    assert.equal(await textOf('body.a', message(`{"a": 1${'0'.repeat(400)}}`)), `1${'0'.repeat(400)}`)
    assert.equal(await textOf('body', message('at 1e400')), 'at 1e400')
  })
})

describe('many evaluations at once', () => {
  it('have each a second of their own', async () => {
    const slow =
      '$count($filter([1..100], function($n) { $n % 2 = 0 and $string($n) != "" })) & $formatNumber(headers.n, "0")'
    const expression = compileExpression(slow)
    const all = await Promise.allSettled(Array.from({ length: 300 }, () => expression(message())))
    assert.deepEqual(
      new Set(all.map(one => (one.status === 'rejected' ? String(one.reason) : one.status))),
      new Set(['fulfilled']),
    )
  })
})

describe('integers past 2^53', () => {
  const body =
    '{"id": 9007199254740993, "big": 18446744073709551615, "huge": -123456789012345678901234567890, "f": 1.5, "list": [{"id": 9007199254740995}, {"id": 9007199254740997}]}'

  it('keep their digits and their type through paths, constructors and lists', async () => {
    assert.deepEqual(await evaluate('body.id', message(body)), past)
    assert.deepEqual(await evaluate('body.big', message(body)), {
      type: 'uint64',
      value: 18_446_744_073_709_551_615n,
    })
    const made =
      '{"a": body.id, "b": [headers.id], "c": body.list.id, "d": body.huge, "e": body ~> |list|{"x": 1}|}'
    assert.equal(
      await textOf(made, message(body)),
      '{"a":9007199254740993,"b":[9007199254740993],"c":[9007199254740995,9007199254740997],"d":-123456789012345678901234567890,' +
        '"e":{"id":9007199254740993,"big":18446744073709551615,"huge":-123456789012345678901234567890,"f":1.5,' +
        '"list":[{"id":9007199254740995,"x":1},{"id":9007199254740997,"x":1}]}}',
    )
    const list = await evaluate('[body.id, body.big, body.huge, 9007199254740993]', message(body))
    assert.deepEqual(list?.type === 'list' && list.value, [
      past,
      { type: 'uint64', value: 18_446_744_073_709_551_615n },
      { type: 'decimal', value: '-123456789012345678901234567890' },
      past,
    ])
  })

  it('are read from bodies that decode made', async () => {
    const entries = [
      [
        { type: 'string', value: 'huge' } as const,
        { type: 'decimal', value: '99999999999999999999' } as const,
      ],
    ] as const
    const on = message({ kind: 'map', entries })
    assert.equal(await textOf('{"x": [body.huge]}', on), '{"x":[99999999999999999999]}')
    assert.deepEqual(await evaluate('body.huge', on), entries[0][1])
  })

  it('are exact as text', async () => {
    for (const [source, text] of [
      ['"n" & headers.id', 'n9007199254740993'],
      ['$string(headers.id)', '9007199254740993'],
      ['$join([headers.id, body.huge].$string(), "/")', '9007199254740993/-123456789012345678901234567890'],
      ['$string({"a": [body.id]})', '{"a":[9007199254740993]}'],
      ['$clone(body).list[1].id & ""', '9007199254740997'],
      ['$type(headers.id)', 'number'],
    ] as const)
      assert.equal(await textOf(source, message(body)), text, source)
  })

  it('are equal to themselves only, literals included, and true', async () => {
    for (const [source, expected] of [
      ['headers.id = body.id', 'true'],
      ['headers.id = 9007199254740993', 'true'],
      ['headers.id = 9007199254740992', 'false'],
      ['headers.id = "9007199254740993"', 'false'],
      ['body.huge = -123456789012345678901234567890', 'true'],
      ['headers.id in [1, 9007199254740993]', 'true'],
      ['headers.id in body.list.id', 'false'],
      ['headers.n in [1, 5]', 'true'],
      ['headers.id ? "yes" : "no"', 'yes'],
      ['$boolean(headers.id)', 'true'],
      ['$count(body.list[id = 9007199254740995])', '1'],
    ] as const)
      assert.equal(await textOf(source, message(body)), expected, source)
  })

  it('are not computed with', async () => {
    for (const source of [
      'headers.id + 1',
      '1 * headers.id',
      '-headers.id',
      'headers.id % 2',
      'headers.id > 5',
    ])
      await refuses(source, /would round 9007199254740993, an integer past 2\^53/)
    for (const source of [
      '$sum([1, headers.id])',
      '$round(headers.id)',
      '$number(headers.id)',
      '$max([headers.id])',
    ])
      await refuses(source, /^evaluating ".*": \$\w+ would round 9007199254740993/)
    await refuses('body.list^(id)', /would round 900719925474099[57]/, message(body))
  })
})

describe('the bounds of an expression', () => {
  it('stop one that never ends', async () => {
    await refuses('($f := function($x) { $f($x + 1) }; $f(1))', /takes longer than 1000 ms/)
    await refuses('($f := function($x) { 1 + $f($x) }; $f(1))', /more than 5000 calls deep/)
    await refuses('$eval("($f := function($x) { $f($x) }; $f(1))")', /takes longer than 1000 ms|eval/)
  })

  it('stop long lists and texts, however they are made', async () => {
    for (const source of [
      '[1..1000000000]',
      '[1..1000000]',
      '$count([1..1000].([1..1000]))',
      '($f := function($x) { $f($append($x, $x)) }; $f([1, 2]))',
      '($f := function($x) { $f([$x, $x]) }; $f([1, 2]))',
      '$reduce([1..100000], $append)',
    ])
      await refuses(source, /a list of more than 100000 items|takes longer|called for too long/)
    for (const source of [
      '$pad("x", 1000000000)',
      '$pad(?, 1000000000)("x")',
      '($f := function($x) { $f($uppercase($x & $x)) }; $f("ab"))',
      '$join([1..1700].$pad("", 10000))',
    ])
      await refuses(source, /a text of more than 16777216 characters/)
    await refuses('$distinct([1..20000])', /\$distinct has a list of more than 10000 items/)
    await refuses(
      '($f := function($x, $n) { $n > 40 ? $x : $f({"a": $x, "b": $x}, $n + 1) }; $string($f(1, 0)))',
      /more than 16777216/,
    )
    await refuses(
      '($f := function($x, $n) { $n > 40 ? $x : $f({"a": $x, "b": $x}, $n + 1) }; $f(1, 0))',
      /the result is larger/,
    )
    await refuses(
      '($f := function($x, $n) { $n > 100 ? $x : $f({"a": $x}, $n + 1) }; $f(1, 0))',
      /nested more than 80 deep/,
    )
  })

  it('leave the functions of JSONata as they are', async () => {
    assert.equal(await textOf('$pad(?, 3, "#")("x")'), 'x##')
    assert.equal(await textOf('[1, 2] ~> $map($string) ~> $join("-")'), '1-2')
    assert.equal(await textOf('$map([1, 2], function($v, $i) { $v * $i })'), '[0,2]')
    assert.equal(await textOf('headers.text ~> $uppercase'), 'X')
    assert.equal(await textOf('$reduce([1, 2, 3], $append)'), '[1,2,3]')
    assert.equal(await textOf('$split("a-b", "-")'), '["a","b"]')
  })

  it('do not take a body for a function', async () => {
    const forged =
      '{"_jsonata_lambda": true, "body": {"type": "string", "value": "ran"}, "arguments": [], "thunk": true}'
    await refuses('$string(body)', /_jsonata_lambda, which JSONata reserves/, message(forged))
    await refuses('$string(body)', /reserves/, message(forged.replace('_', '\\u005f')))
    await refuses('{"x": headers.m}', /reserves/, message('', { m: fromPlain({ _jsonata_lambda: true })! }))
  })

  it('hold for JSON that is nested deep', async () => {
    const deep = `${'['.repeat(200_000)}1234567890123456789${']'.repeat(200_000)}`
    await refuses('body.a', /nested too deep/, message(deep))
    await refuses('body', /nested (more than 80|too) deep/, message(deep.replace(/\d+/, '1')))
  })
})

describe('regular expressions', () => {
  it('take a time that grows with the text alone', async () => {
    const before = performance.now()
    assert.equal(await textOf(`$contains("${'a'.repeat(40)}!", /^(a+)+$/)`), 'false')
    assert.ok(performance.now() - before < 500)
    const long = message(`${'a'.repeat(200_000)}!`)
    await refuses('$count($match(body, /a.*b|a/))', /regular expressions take too long/, long)
  })

  it('match, split and replace', async () => {
    for (const [source, expected] of [
      ['$match("order-12 item-7", /([a-z]+)-(\\d+)/).groups[1]', '["12","7"]'],
      ['$replace("a1b22", /\\d+/, "#")', 'a#b#'],
      ['$replace("John Smith", /(\\w+)\\s(\\w+)/, "$2, $1")', 'Smith, John'],
      ['$split("a, b;c", /[,;]\\s*/)', '["a","b","c"]'],
      ['$contains("ABC", /b/i)', 'true'],
      ['$match("a\\nb", /^b$/m).index', '2'],
      ['$match("xb", /(a)?b/).groups', '[null]'],
    ] as const)
      assert.equal(await textOf(source), expected, source)
  })

  it('with lookaround or backreferences are refused when they are compiled', () => {
    for (const pattern of ['(?=a)b', '(?<!a)b', '(a)\\1', 'a{2000}']) {
      const source = `$contains(headers.text, /${pattern}/i)`
      assert.throws(
        () => compileExpression(source),
        (error: unknown) => {
          assert.ok(error instanceof ExpressionInvalid)
          assert.match(error.message, /lookahead, lookbehind, a backreference or a count above 1000/)
          assert.equal(error.position, source.indexOf('/'))
          return true
        },
      )
    }
  })
})

describe('an expression that is not well-formed', () => {
  const invalid = (compile: () => unknown): ExpressionInvalid => {
    try {
      compile()
    } catch (error) {
      assert.ok(error instanceof ExpressionInvalid, String(error))
      return error
    }
    assert.fail('it compiled')
  }

  it('says why, and where', () => {
    for (const [source, position, reason] of [
      ['headers.(', 9, 'end of expression'],
      ['headers.a ) b', 10, 'Syntax error: ")"'],
      ['headers.a = "x', 14, 'quote'],
      ['headers.a = }', 12, '"}" cannot be used'],
      ['$f(1', 4, '")" before end'],
      ['1 /* x */ = /(/', 15, 'regular expression'],
      ['1 = /[b-a]/', 4, 'regular expression'],
      ['', 0, 'end of expression'],
    ] as const) {
      const error = invalid(() => compileExpression(source))
      assert.deepEqual(
        [error.position, error.message.includes(reason)],
        [position, true],
        `${source}: ${error.position} ${error.message}`,
      )
      assert.equal(sentence(error), error.message)
    }
  })

  it('or begins with what no message has says what was meant', () => {
    for (const [source, position, reason] of [
      ['header.kind = "x"', 0, 'there is no "header" (did you mean "headers"?)'],
      ['1 + $sum([`bod-y`.a])', 11, 'there is no "bod-y" (did you mean "body"?)'],
      [
        'headers.a = kind',
        12,
        'there is no "kind"; expressions see address, body, properties, headers, captures, lookup',
      ],
      ['{"a": (adress; 1) ? {"b": 1} : x.y}', 7, 'there is no "adress" (did you mean "address"?)'],
      ['($x := hedaers; $x.a)', 7, 'there is no "hedaers" (did you mean "headers"?)'],
      ['bdy[0] ~> $count()', 0, 'there is no "bdy" (did you mean "body"?)'],
    ] as const) {
      const error = invalid(() => compileExpression(source))
      assert.deepEqual([error.position, error.message], [position, reason], source)
    }
    for (const source of [
      'body.lines[price > 1 and $exists(sku)].{"a": price, b: (c)}',
      'body.lines.(price * qty)',
      'body.lines^(>price, sku).sku',
      'body.lines{sku: $sum(price)}',
      '$map(body.lines, function($l) { $l.price })',
      '$sift(body, function($v, $k) { $k != "a" })',
      'body ~> |lines|{"x": price}, ["qty"]|',
      '($f := function($x) { $x.a }; $f(body))',
      '[body.lines@$l.($l.sku), body.lines#$i.sku, **.sku, $$.body, $.headers, *]',
      '(captures; lookup; properties; address; "header" & \'x\')',
      'body.lines.%.id',
    ]) {
      compileExpression(source)
    }
    assert.equal(invalid(() => compileTemplate('a-${headers.a}-${ adress }')).position, 18)
  })

  it('is placed in its template', () => {
    assert.equal(invalid(() => compileTemplate('a-${headers.a}-${headers.b ) c}')).position, 27)
    assert.equal(invalid(() => compileTemplate('a-${headers.a}-${headers.b')).position, 15)
  })
})

describe('templates', () => {
  it('are answered at once where their expressions are', async () => {
    const value = compileTemplate('n-${headers.id}-${headers.text & "!"}-${address}')(message())
    assert.deepEqual(value, { type: 'string', value: 'n-9007199254740993-x!-ORDERS' })
    const later = compileTemplate('${headers.n}/${$trim(headers.text)}/${$power(2, 2)}')(message())
    assert.ok(later instanceof Promise)
    assert.deepEqual(await later, { type: 'string', value: '5/x/4' })
    await assert.rejects(
      async () => compileTemplate('${$trim(1)}/${headers.nope}')(message()),
      MessageRefused,
    )
  })
})

describe('bodies', () => {
  it('are read once for all rules', async () => {
    let reads = 0
    const body: Body = {
      kind: 'text',
      get text() {
        reads++
        return '{"a": {"b": [1]}}'
      },
    }
    for (const source of ['body.a', 'body.a.b', 'body.a.b[0] = 1', 'body.a.c = "x"', '$sum(body.a.b)'])
      await evaluate(source, message(body))
    assert.equal(reads, 1)
  })

  it('refuse where a key that stands twice is read, and only there, decoded or not', async () => {
    const written = '{"a": {"x": 1, "x": "\\\\\\": "}, "b": 2, "\\u0062": 3, "c" : 4, "d": "\\\\"}'
    for (const body of [
      { kind: 'text', text: written } as const,
      { kind: 'bytes', bytes: Buffer.from(written) } as const,
      decoded({ format: 'json' }, written),
    ]) {
      for (const source of [
        '{"x": body}',
        'body.b',
        '{"x": body.b}',
        'body.a.x & ""',
        '$string(body.a)',
        '$trim(body.a.x)',
        'body.*',
        '$merge([body, {}])',
        'body^(b)',
      ]) {
        await assert.rejects(
          async () => evaluate(source, message(body)),
          (error: Error) =>
            error instanceof MessageRefused && /the key "[xb]" stands twice/.test(error.message),
          `${source} ${body.kind}`,
        )
      }
      if (body.kind === 'map')
        assert.deepEqual(await evaluate('body', message(body)), { type: 'map', value: body.entries })
      assert.equal(await textOf('body.c & body.d', message(body)), '4\\')
      assert.equal(await textOf('$join($keys(body)) & $count(body.a)', message(body)), 'abcd1')
    }
    for (const space of ['', ' ', '\n', '\r', '\t', ' \t'])
      await assert.rejects(
        async () => evaluate('body.b', message(`{"b"${space}: 1, "b"${space}:2}`)),
        /twice/,
      )
    const once = message('{"b": "a \\":", ":": ":", "n": 0.12345678901234567890}')
    assert.equal(await textOf('body.b', once), 'a ":')
    assert.deepEqual(await evaluate('body.n', once), { type: 'float64', value: 0.12345678901234568 })
  })

  it('are not changed by what reads them', async () => {
    const on = message('{"lines": [], "x": [[]]}')
    for (const source of ['body.lines{sku: qty}', 'body.x.{"a": $trim("b")}', 'body ~> |$|{"y": 1}|'])
      await evaluate(source, on)
    assert.equal(await textOf('body', on), '{"lines":[],"x":[[]]}')
  })

  it('keep their types where a path leads into them', async () => {
    const inner: Value = {
      type: 'map',
      value: [
        [
          { type: 'string', value: 'n' },
          { type: 'int8', value: 5 },
        ],
      ],
    }
    const on = message({ kind: 'map', entries: [[{ type: 'string', value: 'a' }, inner]] })
    assert.deepEqual(await evaluate('body.a.n', on), { type: 'int8', value: 5 })
    assert.deepEqual(await evaluate('body.a', on), inner)
    assert.deepEqual(toPlain((await evaluate('body', on))!), { a: { n: 5 } })
  })
})
