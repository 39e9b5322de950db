import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { Bridge } from '../../src/bridge.ts'
import { loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import type { RouteEvent } from '../../src/core/events.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { bodies, message } from '../route/route-on-memory.ts'
import { problemsIn } from '../support/problems.ts'
import { until } from '../support/until.ts'

/** A route with this mapping, which is indented as the text of a list is; line 8 is its first. */
const withMapping = (mapping: string, target = '') => `connections:
  here: { protocol: memory }
routes:
  orders:
    from: { connection: here, queue: in }
    dead_letter: [{ folder: /tmp/dead }]
    mapping:
${mapping}
    targets: { main: { connection: here, queue: out${target} } }
`

const problemsOf = (text: string) => problemsIn(options => loadText('f.yaml', text, options))

/** The line of the only problem, and what stands there from its column on. */
function placeOf(text: string): string {
  const [problem = '', ...others] = problemsOf(text)
  assert.deepEqual(others, [])
  const [, line, column] = /^f\.yaml:(\d+):(\d+): /.exec(problem) ?? []
  const there = text.split('\n')[Number(line) - 1]?.slice(Number(column) - 1)
  assert.match(problem, /not well-formed/)
  return `${line} ${there}`
}

describe('a mistake in an expression', () => {
  const cases: readonly (readonly [title: string, mapping: string, place: string])[] = [
    ['plain text', '      - drop_if: headers.a = )', '8 )'],
    ['single quotes', "      - drop_if: 'headers.a = ''x'' )'", "8 )'"],
    ['double quotes', '      - drop_if: "headers.a = )"', '8 )"'],
    [
      'escapes in double quotes: at the beginning',
      '      - drop_if: "headers.a =\\t)"',
      '8 "headers.a =\\t)"',
    ],
    ['plain text of two lines', '      - drop_if: headers.a =\n          )', '9 )'],
    ['quoted text of two lines', "      - drop_if: 'headers.a =\n\n          )'", "10 )'"],
    ['a literal block', '      - transform: |\n          {\n            "a": )\n          }', '10 )'],
    [
      'a folded block',
      '      - transform: >-\n          {\n\n            "a":\n          )\n          }',
      '12 )',
    ],
    ['a block with its own indentation', '      - transform: |2-\n          { "a": ) }', '9 ) }'],
    ['a template', '      - set: { subject: "x ${headers.a + )} y" }', '8 )} y" }'],
    ['a header of set', '      - set: { headers: { a: "${)}" } }', '8 )}" } }'],
    ['a case', '      - route: { cases: [{ when: headers.a = ), address: x }] }', '8 ), address: x }] }'],
  ]
  for (const [title, mapping, place] of cases) {
    it(`is placed in ${title}`, () => assert.equal(placeOf(withMapping(mapping)), place))
  }

  it('is placed in the address of a target, and in its mapping', () => {
    const address = withMapping('      []')
      .replace('here, queue: out', 'cloud, queue: "${headers.)}", allow: ["*"]')
      .replace('{ protocol: memory }', '{ protocol: memory }\n  cloud: { protocol: sqs, region: eu-west-1 }')
    assert.match(placeOf(address), /^10 \)}", allow: \["\*"\] } }$/)
    const own = withMapping('      []', ', mapping: [{ drop_if: "a = )" }]')
    assert.match(placeOf(own), /^9 \)" }\] } }$/)
  })

  it('is placed at the beginning of a text behind what came from outside', t => {
    process.env.SLUICE_TEST_PART = 'much longer than its name is'
    t.after(() => delete process.env.SLUICE_TEST_PART)
    const text = withMapping('      - set: { subject: "a ${env:SLUICE_TEST_PART} ${)}" }')
    assert.match(placeOf(text), /^8 "a /)
    const before = withMapping('      - set: { subject: "${)} ${env:SLUICE_TEST_PART}" }')
    assert.match(placeOf(before), /^8 \)} /)
  })
})

describe('a mapping', () => {
  it('has every mistake in it said at once, with its place', () => {
    const mapping = `      - drop_if: headers.a = )
      - rename: { headers: headers.b, properties.subjct: headers.c }
      - drop: [body.x, header.y]
      - match: ["{a}/{a}"]
      - set: { headers: { a: "\${)}" }, subject: "\${headers.a" }
      - route:
          cases: [{ when: ")", address: "\${)}" }]`
    const found = problemsOf(withMapping(mapping, ', mapping: [{ drop: [address] }, { transform: ")" }]'))
    assert.deepEqual(
      found.map(said => said.replace(/(: not well-formed: ).*/, '$1…')),
      [
        'f.yaml:8:30: routes.orders.mapping[0].drop_if: not well-formed: …',
        'f.yaml:9:19: routes.orders.mapping[1].rename.headers: expected headers.NAME, found "headers" (did you mean "headers.*"?)',
        'f.yaml:9:39: routes.orders.mapping[1].rename["properties.subjct"]: there is no property "subjct" (did you mean "subject"?)',
        'f.yaml:10:24: routes.orders.mapping[2].drop[1]: expected headers.NAME, properties.NAME, address or body.PATH, found "header.y" (did you mean "headers.y"?)',
        'f.yaml:11:17: routes.orders.mapping[3].match[0]: {a} stands twice in "{a}/{a}"',
        'f.yaml:12:33: routes.orders.mapping[4].set.headers.a: not well-formed: …',
        'f.yaml:12:50: routes.orders.mapping[4].set.subject: not well-formed: …',
        'f.yaml:14:28: routes.orders.mapping[5].route.cases[0].when: not well-formed: …',
        'f.yaml:14:44: routes.orders.mapping[5].route.cases[0].address: not well-formed: …',
        'f.yaml:15:73: routes.orders.targets.main.mapping[0].drop[0]: a message always has an address',
        'f.yaml:15:99: routes.orders.targets.main.mapping[1].transform: not well-formed: …',
      ],
    )
  })

  it('has its mistakes said beside those of the rest of the file', () => {
    const text = `${withMapping(
      '      - drop_if: ")"\n      - { st: {} }\n      - lookup: { file: /no/such.csv, key: a, as: t }',
      ', mapping: [{ transform: ")" }], queu: x',
    )}defaults: { mapping: [{ drop: [adress] }] }\nlog_level: x\n`
    assert.deepEqual(
      problemsOf(text).map(said => said.replace(/(: not well-formed: ).*/, '$1…')),
      [
        'f.yaml:8:19: routes.orders.mapping[0].drop_if: not well-formed: …',
        'f.yaml:9:11: routes.orders.mapping[1].st: unknown key (did you mean "set"?)',
        'f.yaml:10:25: routes.orders.mapping[2].lookup.file: there is no file /no/such.csv',
        'f.yaml:11:78: routes.orders.targets.main.mapping[0].transform: not well-formed: …',
        'f.yaml:11:85: routes.orders.targets.main.queu: unknown key (did you mean "queue"?)',
        'f.yaml:12:32: defaults.mapping[0].drop[0]: expected headers.NAME, properties.NAME, address or body.PATH, found "adress" (did you mean "address"?)',
        'f.yaml:13:12: log_level: expected "debug" or "info" or "warn" or "error", found "x"',
      ],
    )
  })

  it('has rules with one key that is known', () => {
    const mapping = `      - dropif: "true"
      - { drop_if: "true", drop: [body] }
      - {}
      - cast: { headers: { a: int23 } }
      - decode: { format: jason }`
    assert.deepEqual(problemsOf(withMapping(mapping, ', mapping: [{ st: {} }]')), [
      'f.yaml:8:9: routes.orders.mapping[0].dropif: unknown key (did you mean "drop_if"?)',
      'f.yaml:9:9: routes.orders.mapping[1]: an entry of a mapping has one rule, and this one has drop_if, drop: write an entry for each',
      'f.yaml:10:9: routes.orders.mapping[2]: an entry of a mapping has one rule, and this one has none; there are drop_if, match, decode, validate, lookup, set, rename, drop, cast, transform, encode, route',
      'f.yaml:11:31: routes.orders.mapping[3].cast.headers.a: expected "int8" or "int16" or "int32" or "int64" or "uint8" or "uint16" or "uint32" or "uint64" or "float32" or "float64" or "decimal" or "bool" or "timestamp" or "bytes" or "string" or "symbol" or "uuid", found "int23"',
      'f.yaml:12:27: routes.orders.mapping[4].decode.format: expected "json" or "xml" or "csv" or "fixed_width" or "text" or "base64", found "jason" (did you mean "json"?)',
      'f.yaml:13:66: routes.orders.targets.main.mapping[0].st: unknown key (did you mean "set"?)',
    ])
  })

  it('has no number that YAML has rounded, no character that is none, and no key that JavaScript loses', () => {
    const rounded = `      - set: { headers: { a: 9007199254740993, b: "\${9007199254740993}", c: 1e-300, d: 0.5 }, priority: 1e400 }
      - lookup: { file: config/routes/tables/tenants.csv, key: a, as: t, default: { a: -12345678901234567890 } }`
    const said =
      'YAML rounds whole numbers past 2^53: write it as text, or as an expression with its digits, "${9007199254740993}"'
    assert.deepEqual(problemsOf(withMapping(rounded)), [
      `f.yaml:8:30: routes.orders.mapping[0].set.headers.a: ${said}`,
      'f.yaml:8:105: routes.orders.mapping[0].set.priority: expected a text, a number, true or false, found Infinity',
      `f.yaml:9:88: routes.orders.mapping[1].lookup.default.a: ${said}`,
    ])
    const latin1 = Buffer.from('Müller', 'latin1').toString()
    assert.deepEqual(problemsOf(withMapping(`      - set: { subject: ${latin1} }`)), [
      'f.yaml:8:26: the file is no UTF-8 here (the character U+FFFD itself is written "\\uFFFD")',
    ])
    assert.deepEqual(problemsOf(withMapping('      - set: { subject: "\\uFFFD" }')), [])
    assert.deepEqual(problemsOf(withMapping('      - set: { headers: { __proto__: a } }')), [
      'f.yaml:8:27: a key cannot have the name __proto__',
    ])
  })

  it('cannot read CSV whose separator is something else as well', () => {
    const csv = (more: string) => `      - decode: { format: csv, header: true, ${more} }`
    for (const more of [
      'separator: "|", quote: "|"',
      'separator: "\\n"',
      'separator: "\\r"',
      'quote: "\\n"',
    ]) {
      assert.match(problemsOf(withMapping(csv(more))).join(), /expected a (separator|quote) that is/, more)
    }
    assert.deepEqual(problemsOf(withMapping(csv('separator: "|", quote: ""'))), [])
  })

  it('of a target is printed, and what is printed loads again', () => {
    const text = withMapping('      []', ', mapping: [{ set: { subject: x } }]')
    const printed = printConfig(loadText('f.yaml', text))
    assert.match(printed, /mapping:\n +- set:\n +subject: x/)
    assert.equal(printConfig(loadText('f.yaml', printed)), printed)
  })

  it('is for targets and not for places of dead letters', () => {
    const text = withMapping('      []').replace(
      '{ folder: /tmp/dead }',
      '{ connection: here, queue: dead, mapping: [] }',
    )
    assert.match(problemsOf(text)[0] ?? '', /dead_letter\[0\]\.mapping: unknown key/)
  })

  it('of a target applies to it alone: what it drops or refuses the others get', async t => {
    const name = `yaml-${process.pid}`
    const text = `
connections:
  here: { protocol: memory }
routes:
  orders:
    from: { connection: here, queue: ${name}-in }
    dead_letter: [{ connection: here, queue: ${name}-dead }]
    mapping:
      - match: ["orders/{country}/#"]
    targets:
      all: { connection: here, queue: ${name}-all }
      german:
        connection: here
        queue: ${name}-german
        mapping:
          - drop_if: captures.country != "de"
          - set: { body: "\${body} for \${headers.customer}" }
`
    const { config } = loadText('f.yaml', text)
    const events: RouteEvent[] = []
    const bridge = new Bridge(config, event => events.push(event))
    t.after(() => bridge.stop(AbortSignal.abort()))
    bridge.start()
    const [source, all, german, dead] = ['in', 'all', 'german', 'dead'].map(n => memoryQueue(`${name}-${n}`))
    const headers = { customer: { type: 'string', value: 'c7' } } as const
    source!.put(message('1', { address: 'orders/de/x', headers }))
    source!.put(message('2', { address: 'orders/fr/x', headers }))
    source!.put(message('3', { address: 'orders/de/x' }))
    await until(() => events.filter(e => e.type === 'settled').length === 3, { what: 'all settled' })
    assert.deepEqual([bodies(all!.messages), bodies(german!.messages)], [['1', '2', '3'], ['1 for c7']])
    const records = dead!.messages.map(m => readRecord(bodies([m])[0]!))
    assert.deepEqual(
      records.map(({ target, message: { body } }) => [target, body]),
      [['german', { kind: 'text', text: '3' }]],
    )
    assert.match(records[0]!.reason, /^target german, rule 2 \(set\): the mapping reads headers\.customer/)
    assert.deepEqual(
      events.filter(e => e.type === 'filtered').map(e => e.target),
      ['german'],
    )
  })
})
