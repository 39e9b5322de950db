import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rowsOfCsv, rowsOfYaml } from '../../src/config/tables.ts'
import { text, type Value } from '../../src/core/value.ts'
import { compileMapping, type Rule } from '../../src/route/mapping/mapping.ts'
import { lookup } from '../../src/route/mapping/rules/lookup.ts'
import type { Mapped } from '../../src/route/mapping/step.ts'
import { refuses } from './on-bodies.ts'

const message = (headers: Readonly<Record<string, Value>>): Mapped => ({
  address: 'in',
  body: { kind: 'none' },
  properties: {},
  headers,
})
const rows = rowsOfCsv('id,queue,tier\nC1,fast,1\n"C,2",slow,2\n', undefined)
const rule = { file: 'customers.csv', rows, key: '${headers.customer}', as: 'customer' }

describe('lookup', () => {
  it('gives the row of a key to the expressions that follow', async () => {
    const mapping = compileMapping([
      { lookup: rule },
      { set: { headers: { tier: '${lookup.customer.tier}', to: 'q-${lookup.customer.queue}' } } },
    ] as unknown as readonly Rule[])
    const mapped = await mapping(message({ customer: text('C,2') }))
    assert.deepEqual(mapped?.headers, { customer: text('C,2'), tier: text('2'), to: text('q-slow') })
  })

  it('keeps the rows of other tables', () => {
    const currencies = rowsOfYaml('978: EUR\n"840": { code: USD, digits: 2 }\n')
    const second = {
      file: 'c.yaml',
      rows: currencies,
      key: '${headers.currency}',
      as: 'currency',
    }
    const both = lookup(second)(
      lookup(rule)(message({ customer: text('C1'), currency: { type: 'int32', value: 978 } })) as Mapped,
    )
    const found = (both as Mapped).lookup!
    assert.deepEqual(Object.keys(found), ['customer', 'currency'])
    assert.deepEqual(found.currency, { type: 'map', value: [[text('value'), text('EUR')]] })
  })

  it('takes the default for a key without a row, and refuses the message where there is none', () => {
    const unknown = message({ customer: text('C9') })
    refuses(
      () => lookup(rule)(unknown),
      /^customers\.csv has no row for the key "C9", and the rule no default$/,
    )
    const mapped = lookup({ ...rule, default: { queue: 'slow', tier: 2 } })(unknown) as Mapped
    assert.deepEqual(mapped.lookup?.customer, {
      type: 'map',
      value: [
        [text('queue'), text('slow')],
        [text('tier'), { type: 'int32', value: 2 }],
      ],
    })
    refuses(() => lookup(rule)(message({})), /reads headers\.customer, which this message does not have$/)
  })

  it('finds no row under the names that JavaScript has for itself', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      refuses(() => lookup(rule)(message({ customer: text(name) })), /has no row for the key/)
    }
  })
})
