import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { type LoadOptions, loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { rowsOfCsv, rowsOfYaml } from '../../src/config/tables.ts'
import { jsonOf } from '../../src/route/mapping/codecs/json.ts'
import { problemsIn } from '../support/problems.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-files-'))
mkdirSync(join(folder, 'routes'))
const file = (name: string, content: string | Uint8Array) => writeFileSync(join(folder, name), content)

file('order.schema.json', '{ "type": "object" }')
file('broken.schema.json', '{ "type": ')
file('wrong.schema.json', '{ "type": "strin" }')
file('order.schema.yaml', 'type: object\n')
file('customers.csv', 'id,queue\nC1,fast\n')
file('twice.csv', 'id,queue\nC1,fast\nC2,slow\nC1,slow\n')
file('latin1.csv', Buffer.from('id\n\xe4', 'latin1'))
file('customers.yaml', 'C1: { queue: fast }\n')
file('twice.yaml', 'C1: fast\nC2: slow\n"C1": slow\n')

const base = `
connections:
  here: { protocol: memory }
routes:
  orders:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
    dead_letter: [{ folder: /tmp/dead }]
    mapping:
`
const configOf = (rules: string, options: LoadOptions = {}) =>
  loadText(join(folder, 'f.yaml'), `${base}${rules}`, options)

const problemsOf = (rules: string) => problemsIn(options => configOf(rules, options)).map(shortened)
const shortened = (problem: string): string => problem.replaceAll(`${folder}/`, '')

describe('files that rules name', () => {
  it('are read beside the configuration when it is loaded, each once', () => {
    const rules = `
      - validate: { schema: order.schema.json }
      - validate: { schema: order.schema.yaml }
      - lookup: { file: customers.csv, key: "\${headers.c}", as: c }
      - lookup: { file: customers.csv, key: "\${headers.c}", column: queue, as: d }
      - lookup: { file: ./customers.yaml, key: "\${headers.c}", as: e }
      - lookup: { file: customers.csv, key: "\${headers.d}", as: f }
`
    const { config } = configOf(rules)
    const mapping = config.routes[0]!.mapping
    assert.deepEqual(
      mapping.slice(0, 2).map(r => r.validate?.document),
      [{ type: 'object' }, { type: 'object' }],
    )
    assert.deepEqual(
      mapping.slice(2).map(r => Array.from(r.lookup!.rows, ([key, row]) => `${key} ${jsonOf(row)}`)),
      [
        ['C1 {"id":"C1","queue":"fast"}'],
        ['fast {"id":"C1","queue":"fast"}'],
        ['C1 {"queue":"fast"}'],
        ['C1 {"id":"C1","queue":"fast"}'],
      ],
    )
    assert.equal(mapping[2]!.lookup!.rows, mapping[5]!.lookup!.rows)
    assert.deepEqual(problemsOf(rules), [])
  })

  it('are not printed: the effective configuration names them', () => {
    const printed = printConfig(configOf('      - validate: { schema: order.schema.json }\n'))
    assert.match(printed, /validate:\n +schema: order\.schema\.json\n/)
    assert.doesNotMatch(printed, /document/)
  })

  it('are problems at their names when they are missing or malformed, all at once', () => {
    const rules = `
      - validate: { schema: none.json }
      - validate: { schema: broken.schema.json }
      - validate: { schema: customers.csv }
      - lookup: { file: none.csv, key: k, as: c }
      - lookup: { file: twice.csv, key: k, as: c }
      - lookup: { file: twice.yaml, key: k, as: c }
      - lookup: { file: latin1.csv, key: k, as: c }
      - lookup: { file: customers.csv, key: k, column: name, as: c }
      - lookup: { file: customers.yaml, key: k, column: queue, as: c }
      - lookup: { file: order.schema.json, key: k, as: c }
`
    const said = problemsOf(rules)
    const expected = [
      /^f\.yaml:11:29: routes\.orders\.mapping\[0\]\.validate\.schema: there is no file none\.json$/,
      /^f\.yaml:12:29: .*: broken\.schema\.json: Unexpected end of JSON input$/,
      /^f\.yaml:13:29: .*: customers\.csv: Unexpected token/,
      /^f\.yaml:14:25: .*\.lookup\.file: there is no file none\.csv$/,
      /^f\.yaml:15:25: .*: twice\.csv: line 4: the key "C1" is there already, in line 2$/,
      /^f\.yaml:16:25: .*: twice\.yaml: line 3: the key "C1" is there already, in line 1$/,
      /^f\.yaml:17:25: .*: latin1\.csv cannot be read: The encoded data was not valid/,
      /^f\.yaml:18:25: .*: customers\.csv: there is no column "name" among id, queue$/,
      /^f\.yaml:19:25: .*: customers\.yaml: expected no column/,
      /^f\.yaml:20:25: .*: order\.schema\.json: expected a table whose name ends in \.csv, \.yaml or \.yml$/,
    ]
    assert.equal(said.length, expected.length, said.join('\n'))
    for (const [i, pattern] of expected.entries()) assert.match(said[i]!, pattern)
  })

  it('are problems of their rule when only its compiler finds what is wrong', () => {
    const said = problemsOf(
      '      - validate: { schema: wrong.schema.json }\n      - decode: { format: text, charset: klingon }\n',
    )
    assert.equal(said.length, 2, said.join('\n'))
    assert.match(
      said[0]!,
      /^f\.yaml:10:\d+: routes\.orders\.mapping\[0\]\.validate: schema is invalid: data\/type/,
    )
    assert.match(
      said[1]!,
      /^f\.yaml:11:\d+: routes\.orders\.mapping\[1\]\.decode: there is no charset klingon/,
    )
  })
})

describe('a table', () => {
  const shown = (rows: ReadonlyMap<string, Parameters<typeof jsonOf>[0]>) =>
    Array.from(rows, ([key, row]) => `${key} ${jsonOf(row)}`)

  it('of YAML has keys as they are written, typed values, and scalars as rows of one column', () => {
    const yaml = `
007: { name: Bond, big: 9007199254740993, price: 1.50, on: true, none: null, tags: [a, 1] }
7: seven
"x y": 18446744073709551616
0x10: .5
no: n
`
    assert.deepEqual(shown(rowsOfYaml(yaml)), [
      '007 {"name":"Bond","big":9007199254740993,"price":1.5,"on":true,"none":null,"tags":["a",1]}',
      '7 {"value":"seven"}',
      'x y {"value":18446744073709551616}',
      '0x10 {"value":0.5}',
      'no {"value":"n"}',
    ])
  })

  it('of YAML is a mistake when it is no map of rows', () => {
    const said = (yaml: string) => () => rowsOfYaml(yaml)
    assert.throws(said(''), /expected a map of rows by their keys$/)
    assert.throws(said('- a\n'), /expected a map of rows by their keys$/)
    assert.throws(said('a: [1]\n'), /line 1: expected a row: a map of columns, or a scalar$/)
    assert.throws(said('a: {x: 1, x: 2}\n'), /line 1: the row has "x" twice$/)
    assert.throws(said('a: 1\n  b: 2\n'), /line \d: no well-formed YAML: /)
    assert.throws(said('? {a: 1}\n: 1\n'), /line 1: expected a key that is a text or a number$/)
    assert.throws(said('a: *x\n'), /line 1: nothing is named \*x$|no well-formed YAML/)
    assert.throws(said('a: &a { b: *a }\n'), /nested more than 20 deep|no well-formed YAML/)
  })

  it('of CSV may have empty lines, quotes and a mark of the byte order', () => {
    assert.deepEqual(shown(rowsOfCsv('\ufeffid,name\r\n\r\n007,"Bond, James"\r\n', undefined)), [
      '007 {"id":"007","name":"Bond, James"}',
    ])
  })

  it('of CSV is a mistake when its lines do not fit its header', () => {
    const said = (csv: string, column?: string) => () => rowsOfCsv(csv, column)
    assert.throws(said(''), /expected a header and rows, and the file is empty$/)
    assert.throws(said('a,a\n1,2\n'), /the header has the column "a" twice$/)
    assert.throws(said('a,b\n1,2\n1\n'), /line 3: the row has 1 columns, and the header 2$/)
    assert.throws(said('a,b\n1,"2\n'), /a quote that begins in line 2 and does not end$/)
    assert.throws(said('a,b\n1,2\n', 'c'), /there is no column "c" among a, b$/)
  })
})
