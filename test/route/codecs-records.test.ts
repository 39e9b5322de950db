import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { readFormat } from '../../src/config/body-schema.ts'
import type { Body } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'
import { bytes, decoded, encoded, entriesOf, jsonFrom, mapOf, refuses } from './on-bodies.ts'

const text = (value: string): Value => ({ type: 'string', value })
const int = (value: number): Value => ({ type: 'int32', value })
const decimal = (value: string): Value => ({ type: 'decimal', value })
const csv = { format: 'csv' } as const
const table = {
  ...csv,
  columns: [{ name: 'sku' }, { name: 'qty', type: 'int' }, { name: 'price', type: 'decimal' }],
} as const

describe('csv', () => {
  it('reads one record by a table of columns', () => {
    const body = decoded(table, '"A;1, ""x""",0042,+01.50\r\n')
    assert.deepEqual(body, mapOf({ sku: text('A;1, "x"'), qty: int(42), price: decimal('1.50') }))
    assert.deepEqual(encoded(table, body), { kind: 'text', text: '"A;1, ""x""",42,1.50' })
  })

  it('reads many records by their header, with another separator and quote', () => {
    const rule = { ...csv, header: true, separator: ';', quote: "'", records: 'many' } as const
    const body = decoded(rule, "a;b\n1;'x;\ny'\n;2")
    assert.equal(jsonFrom(body), '[{"a":"1","b":"x;\\ny"},{"a":"","b":"2"}]')
    assert.deepEqual(encoded(rule, body), { kind: 'text', text: "a;b\n1;'x;\ny'\n;2" })
    assert.equal(jsonFrom(decoded(rule, '\ufeffa;b\n')), '[]')
  })

  it('takes quotes for text where nothing is quoted', () => {
    const rule = { ...csv, columns: [{ name: 'a' }, { name: 'b' }], separator: '|', quote: '' }
    const body = decoded(rule, '12" pipe|"')
    assert.deepEqual(body, mapOf({ a: text('12" pipe'), b: text('"') }))
    assert.deepEqual(encoded(rule, body), { kind: 'text', text: '12" pipe|"' })
    refuses(
      () => encoded(rule, mapOf({ a: text('x|y') })),
      /cannot be written as CSV: "x\|y" would need a quote$/,
    )
  })

  it('leaves a number empty where there is none, and a column that the record lacks', () => {
    assert.equal(jsonFrom(decoded(table, 'a,,')), '{"sku":"a","qty":null,"price":null}')
    assert.deepEqual(encoded(table, mapOf({ qty: int(1) })), { kind: 'text', text: ',1,' })
  })

  it('comes back from any records of text', () => {
    const widths = fc.integer({ min: 1, max: 3 })
    const cells = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', ' ', '"', ',', '\r', '\n', '\r\n', '\ufeff'),
    )
    const records = widths.chain(n =>
      fc.array(fc.array(cells, { minLength: n, maxLength: n }), { minLength: 1 }),
    )
    fc.assert(
      fc.property(records, fc.constantFrom(',', ';', '\t', '|'), fc.boolean(), (lines, separator, header) => {
        const columns = lines[0]!.map((_, i) => ({ name: `c${i}` }))
        const rule = { ...csv, columns, separator, header, records: 'many' } as const
        const body: Body = {
          kind: 'list',
          items: lines.map(line => ({
            type: 'map',
            value: line.map((cell, i) => [text(`c${i}`), text(cell)] as const),
          })),
        }
        assert.deepEqual(decoded(rule, encoded(rule, body)), body)
      }),
    )
  })

  it('refuses the wrong columns, and says in which line', () => {
    const many = { ...table, records: 'many' } as const
    refuses(() => decoded(many, 'a,1,2\nb,2\n'), /^line 2 of the CSV has 2 columns where 3 are expected$/)
    refuses(() => decoded(many, 'a,1,2\n\nb,2,3\n'), /^line 2 of the CSV has 1 column where 3 are expected$/)
    refuses(() => decoded(many, 'a,1,2\nb,2,3,4'), /^line 2 of the CSV has 4 columns/)
    refuses(() => decoded(many, 'a,x,2'), /^line 1 of the CSV, column qty, is no int: "x"$/)
    refuses(() => decoded(many, 'a,1.5,2'), /column qty, is no int: "1.5"$/)
    refuses(() => decoded(many, 'a,1,1e5'), /column price, is no decimal: "1e5"$/)
    refuses(
      () => decoded({ ...many, header: true }, 'sku,price,qty\na,1,2'),
      /^the header of the CSV is "sku price qty"/,
    )
    refuses(() => decoded({ ...csv, header: true }, 'a,a\n1,2'), /^the header of the CSV has "a" twice$/)
    refuses(() => decoded({ ...csv, header: true }, ''), /no line of CSV, not even the header$/)
  })

  it('refuses another number of records than one, quotes that do not end, and too much, soon', () => {
    refuses(
      () => decoded(table, 'a,1,2\nb,2,3'),
      /^the body has 2 records where one is expected; records: many/,
    )
    refuses(() => decoded(table, ''), /^the body has 0 records/)
    refuses(
      () => decoded(table, 'a,"1,2'),
      /cannot be read as CSV: a quote that begins in line 1 and does not end$/,
    )
    refuses(
      () => decoded(table, 'a,1"2,3'),
      /cannot be read as CSV: line 1: a quote in a value that does not begin with one$/,
    )
    refuses(
      () => decoded({ ...table, records: 'many' }, 'a,1,2\n'.repeat(2 ** 20)),
      /more than 1000000 values$/,
    )
    refuses(() => decoded(table, ','.repeat(2 ** 24)), /more than 1000000 values$/)
    const names = Array.from({ length: 100_000 }, (_, i) => `c${i}`)
    refuses(() => decoded({ ...csv, header: true }, `${names}\n`), /^the body has 0 records/)
    refuses(
      () => decoded({ ...csv, header: true }, `${names},c99999`),
      /^the header of the CSV has "c99999" twice$/,
    )
  })

  it('refuses to write what would be lost', () => {
    refuses(
      () => encoded(table, mapOf({ sku: text('a'), size: int(1) })),
      /^the record has size, for which there is no/,
    )
    refuses(
      () => encoded(table, mapOf({ qty: text('x') })),
      /column qty, holds an int, and the value is "x"$/,
    )
    refuses(
      () => encoded(table, mapOf({ sku: { type: 'list', value: [] } })),
      /column sku, cannot hold a list$/,
    )
    refuses(
      () => encoded(table, { kind: 'list', items: [int(1)] }),
      /from a list of maps, and item 1 is a int32$/,
    )
    refuses(
      () => encoded(table, { kind: 'text', text: 'a' }),
      /from a map or a list of maps, and the body is text$/,
    )
  })
})

/**
 * 01 ORDER.  05 ID PIC X(6).  05 QTY PIC 9(3).  05 AMOUNT PIC S9(5)V99 COMP-3.  05 BALANCE PIC S9(4)V9.
 *            05 FILLER PIC X(2).  05 COUNTER PIC S9(8) COMP.
 */
const copybook = {
  format: 'fixed_width',
  charset: 'cp037',
  columns: [
    { name: 'ID', width: 6 },
    { name: 'QTY', width: 3, type: 'zoned_decimal', signed: false },
    { name: 'AMOUNT', width: 4, type: 'packed_decimal', scale: 2 },
    { name: 'BALANCE', width: 5, type: 'zoned_decimal', scale: 1 },
    { width: 2 },
    { name: 'COUNTER', width: 4, type: 'binary' },
  ],
} as const
const record = 'C1C2F1404040 F0F4F2 0012345D F0F1F2F3C4 4040 FFFFFFFE'

describe('fixed_width', () => {
  it('reads and writes a record of COBOL in EBCDIC', () => {
    const body = decoded(copybook, bytes(record))
    assert.equal(jsonFrom(body), '{"ID":"AB1","QTY":42,"AMOUNT":-123.45,"BALANCE":123.4,"COUNTER":-2}')
    const written = encoded(copybook, body) as { bytes: Uint8Array }
    assert.deepEqual(Buffer.from(written.bytes), Buffer.from(bytes(record)))
  })

  it('reads every sign of a decimal, and writes the preferred one', () => {
    const one = (type: 'packed_decimal' | 'zoned_decimal', hex: string) =>
      jsonFrom(
        decoded(
          { format: 'fixed_width', charset: '273', columns: [{ name: 'n', width: 2, type }] },
          bytes(hex),
        ),
      )
    for (const sign of ['a', 'c', 'e', 'f']) {
      assert.equal(one('packed_decimal', `012${sign}`), '{"n":12}')
      assert.equal(one('zoned_decimal', `f1${sign}2`), '{"n":12}')
    }
    for (const sign of ['b', 'd']) {
      assert.equal(one('packed_decimal', `012${sign}`), '{"n":-12}')
      assert.equal(one('zoned_decimal', `f1${sign}2`), '{"n":-12}')
    }
    assert.equal(one('packed_decimal', '000d'), '{"n":0}')
  })

  it('reads zoned decimals of text and of ASCII', () => {
    const columns = [{ name: 'n', width: 3, type: 'zoned_decimal' }] as const
    const cases = { '012': 12, '01B': 12, '01{': 10, '01K': -12, '01}': -10, '01r': -12 }
    for (const [written, value] of Object.entries(cases)) {
      assert.deepEqual(
        decoded({ format: 'fixed_width', columns }, written),
        mapOf({ n: int(value) }),
        written,
      )
      const rule = { format: 'fixed_width', columns, charset: 'latin1' } as const
      assert.deepEqual(decoded(rule, Buffer.from(written)), mapOf({ n: int(value) }), written)
    }
    const negative = mapOf({ n: int(-12) })
    assert.deepEqual(encoded({ format: 'fixed_width', columns }, negative), { kind: 'text', text: '01K' })
  })

  it('reads records of text, whose widths are characters', () => {
    const columns = [
      { name: 'name', width: 5 },
      { name: 'qty', width: 4, type: 'int' },
      { name: 'price', width: 6, type: 'decimal' },
      { name: 'tax', width: 4, type: 'decimal', scale: 2 },
    ] as const
    const rule = { format: 'fixed_width', columns, records: 'many' } as const
    const body = decoded(rule, 'a🦑ä  0042001.50-099b    -007      0012')
    assert.equal(
      jsonFrom(body),
      '[{"name":"a🦑ä","qty":42,"price":1.50,"tax":-0.99},{"name":"b","qty":-7,"price":null,"tax":0.12}]',
    )
    assert.deepEqual(encoded(rule, body), {
      kind: 'text',
      text: 'a🦑ä  0042001.50-099b    -007      0012',
    })
    assert.equal(
      jsonFrom(decoded({ ...rule, trim: false, records: 'one' }, 'b     042001.500099')),
      '{"name":"b    ","qty":42,"price":1.50,"tax":0.99}',
    )
  })

  it('has a charset for a column of its own', () => {
    const columns = [
      { name: 'a', width: 2 },
      { name: 'b', width: 2, charset: 'cp273' },
    ] as const
    const rule = { format: 'fixed_width', charset: 'utf-8', columns } as const
    const body = mapOf({ a: text('ä'), b: text('ä') })
    assert.deepEqual(decoded(rule, bytes('c3a4 c040')), body)
    assert.deepEqual(encoded(rule, body), { kind: 'bytes', bytes: Buffer.from('c3a4c040', 'hex') })
    refuses(() => encoded(rule, mapOf({ a: text('äö') })), /^column a has room for 2, and "äö" is longer$/)
  })

  it('comes back from any records', () => {
    const scaled = (digits: number, scale: number) =>
      fc.bigInt({ min: -(10n ** BigInt(digits)) + 1n, max: 10n ** BigInt(digits) - 1n }).map((n): Value => {
        const written = String(n < 0n ? -n : n).padStart(scale + 1, '0')
        return decimal(`${n < 0n ? '-' : ''}${written.slice(0, -scale)}.${written.slice(-scale)}`)
      })
    const records = fc.record({
      ID: fc.string({ unit: 'grapheme-ascii', maxLength: 6 }).map(s => text(s.trimEnd())),
      QTY: fc.integer({ min: 0, max: 999 }).map(int),
      AMOUNT: scaled(7, 2),
      BALANCE: scaled(5, 1),
      COUNTER: fc.integer().map(int),
    })
    fc.assert(
      fc.property(fc.array(records), values => {
        const rule = { ...copybook, records: 'many' } as const
        const items = values.map((value): Value => ({ type: 'map', value: entriesOf(value) }))
        assert.deepEqual(decoded(rule, encoded(rule, { kind: 'list', items })), { kind: 'list', items })
      }),
    )
  })

  it('keeps all digits of the longest numbers', () => {
    const columns = [{ name: 'n', width: 16, type: 'packed_decimal' }] as const
    const rule = { format: 'fixed_width', charset: 'cp037', columns } as const
    assert.deepEqual(
      decoded(rule, bytes('1234567890123456789012345678901d')),
      mapOf({ n: decimal('-1234567890123456789012345678901') }),
    )
    const eight = { ...rule, columns: [{ name: 'n', width: 8, type: 'binary', signed: false }] } as const
    const body = decoded(eight, bytes('ffffffffffffffff'))
    assert.deepEqual(body, mapOf({ n: { type: 'uint64', value: 2n ** 64n - 1n } }))
    assert.deepEqual(encoded(eight, body), { kind: 'bytes', bytes: Buffer.alloc(8, 0xff) })
  })

  it('refuses a record of the wrong length, and names both', () => {
    refuses(
      () => decoded(copybook, bytes(record).subarray(1)),
      /^the body has 23 bytes, and a record has 24$/,
    )
    refuses(
      () => decoded({ ...copybook, records: 'many' }, bytes(`${record}00`)),
      /^the body has 25 bytes, and a record has 24 each$/,
    )
    const one = { format: 'fixed_width', columns: [{ name: 'a', width: 2 }] } as const
    refuses(() => decoded(one, 'äöü'), /^the body has 3 characters, and a record has 2$/)
    refuses(() => decoded({ ...one, records: 'many' }, 'x'.repeat(2 ** 22)), /more than 1000000 values$/)
    refuses(() => decoded(one, mapOf({})), /fixed_width is read from text or bytes/)
  })

  it('refuses digits and signs that are none', () => {
    const at = (offset: number, hex: string) => {
      const broken = Buffer.from(bytes(record))
      broken.set(bytes(hex), offset)
      return () => decoded(copybook, broken)
    }
    refuses(at(9, '00123453'), /^column AMOUNT is no packed decimal: X'00123453'$/)
    refuses(at(9, '00A2345C'), /^column AMOUNT is no packed decimal: X'00A2345C'$/)
    refuses(at(9, '40404040'), /^column AMOUNT is no packed decimal: X'40404040'$/)
    refuses(at(6, 'F0F4D2'), /^column QTY has no sign, and it is negative: X'F0F4D2'$/)
    refuses(at(6, 'F0C4F2'), /^column QTY is no zoned decimal: X'F0C4F2'$/)
    const one = { format: 'fixed_width', columns: [{ name: 'n', width: 3, type: 'zoned_decimal' }] } as const
    refuses(() => decoded(one, '1x2'), /^column n is no zoned decimal: "1x2"$/)
    refuses(() => decoded(one, '12z'), /^column n is no zoned decimal: "12z"$/)
  })

  it('refuses to write what a column cannot hold, and never rounds', () => {
    const full = { ID: text('A'), QTY: int(1), AMOUNT: int(1), BALANCE: int(1), COUNTER: int(1) }
    const write = (entries: Readonly<Record<string, Value>>) => () =>
      encoded(copybook, mapOf({ ...full, ...entries }))
    refuses(write({ ID: text('ABCDEFG') }), /^column ID has room for 6, and "ABCDEFG" is longer$/)
    refuses(write({ ID: text('€') }), /^the charset cp037 has no character U\+20AC$/)
    refuses(write({ QTY: int(1000) }), /^column QTY has 3 digits, and the value has 4$/)
    refuses(write({ QTY: int(-1) }), /^column QTY has no sign, and the value is "-1"$/)
    refuses(
      write({ AMOUNT: decimal('1.005') }),
      /^column AMOUNT has 2 digits after the point, and "1.005" has more$/,
    )
    refuses(write({ AMOUNT: text('x') }), /^column AMOUNT holds a number, and the value is "x"$/)
    refuses(write({ AMOUNT: { type: 'null' } }), /^column AMOUNT holds a number, and the value is null$/)
    refuses(
      write({ COUNTER: { type: 'int64', value: 2n ** 31n } }),
      /^column COUNTER has 4 bytes, and the value does not fit$/,
    )
    refuses(write({ MORE: int(1) }), /^the record has MORE, for which there is no column/)
  })

  it('is a mistake in the configuration where bytes are wanted and there is no charset', () => {
    const said = (rule: unknown) =>
      readFormat.safeParse(rule).error?.issues.map(i => `${i.path.join('.')}: ${i.message}`)
    const packed = { format: 'fixed_width', columns: [{ name: 'n', width: 4, type: 'packed_decimal' }] }
    assert.match(
      String(said(packed)),
      /^charset: missing; packed decimals, binary numbers and charsets of columns need/,
    )
    const twice = {
      format: 'fixed_width',
      columns: [
        { name: 'n', width: 1 },
        { name: 'n', width: 1 },
      ],
    }
    assert.deepEqual(said(twice), ['columns: expected columns of different names'])
    assert.deepEqual(said({ format: 'csv' }), [': expected columns, or header: true'])
  })
})
