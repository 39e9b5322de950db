import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Body } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'
import { charsetNamed } from '../../src/route/mapping/codecs/charset.ts'
import { decode } from '../../src/route/mapping/rules/decode.ts'
import { encode } from '../../src/route/mapping/rules/encode.ts'
import { bytes, decoded, encoded, jsonFrom, mapOf, refuses } from './on-bodies.ts'

const json = { format: 'json' } as const

/** JSON with numbers of any digits, keys that stand there twice, and what is odd to JavaScript. */
const jsonTexts: fc.Arbitrary<string> = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(
      'null',
      'true',
      'false',
      '9007199254740993',
      '-9223372036854775808',
      '18446744073709551615',
    ),
    fc.bigInt().map(String),
    fc.tuple(fc.bigInt(), fc.nat(), fc.integer({ min: -400, max: 400 })).map(([a, b, e]) => `${a}.${b}e${e}`),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(n => JSON.stringify(n)),
    fc.string({ unit: 'binary' }).map(s => JSON.stringify(s)),
    fc.array(tie('value'), { maxLength: 4 }).map(items => `[${items.join(', ')}]`),
    fc
      .array(fc.tuple(fc.constantFrom('a', 'b', '1', '__proto__', ''), tie('value')), { maxLength: 4 })
      .map(pairs => `{${pairs.map(([k, v]) => `${JSON.stringify(k)}: ${v}`).join(',')}}`),
  ),
})).value

describe('decode: json', () => {
  it('types numbers so that no digit is lost', () => {
    const body = decoded(
      json,
      '[1, -2147483649, 18446744073709551615, 36893488147419103232, 1.5, 0.1, 1.50, 1e400, -0]',
    )
    assert.deepEqual(body, {
      kind: 'list',
      items: [
        { type: 'int32', value: 1 },
        { type: 'int64', value: -2_147_483_649n },
        { type: 'uint64', value: 18_446_744_073_709_551_615n },
        { type: 'decimal', value: '36893488147419103232' },
        { type: 'float64', value: 1.5 },
        { type: 'float64', value: 0.1 },
        { type: 'float64', value: 1.5 },
        { type: 'decimal', value: '1e400' },
        { type: 'float64', value: -0 },
      ],
    })
  })

  it('keeps a text alone as its text, another scalar as it is written, and null as no body', () => {
    assert.deepEqual(decoded(json, '"a \\u00e4"'), { kind: 'text', text: 'a ä' })
    assert.deepEqual(decoded(json, ' 9007199254740993 '), { kind: 'text', text: '9007199254740993' })
    assert.deepEqual(decoded(json, 'null'), { kind: 'none' })
    assert.deepEqual(encoded(json, { kind: 'none' }), { kind: 'text', text: 'null' })
  })

  it('reads bytes as UTF-8, with or without a mark of the byte order', () => {
    assert.equal(jsonFrom(decoded(json, bytes('efbbbf 7b22c3a4223a317d'))), '{"ä":1}')
    refuses(() => decoded(json, bytes('7b22e4223a317d')), /^the body holds bytes that are no utf-8$/)
  })

  it('comes back with every number, key and text, from any JSON', () => {
    fc.assert(
      fc.property(fc.array(jsonTexts, { maxLength: 4 }), items => {
        const once = decoded(json, `[${items.join(',')}]`)
        const twice = decoded(json, encoded(json, once))
        assert.equal(jsonFrom(twice), jsonFrom(once)) // the types may differ: 1.0 is written as 1
        assert.deepEqual(JSON.parse(jsonFrom(once)), JSON.parse(`[${items.join(',')}]`))
      }),
    )
  })

  it('refuses what is cut off, nested too deep, too large, or no text', () => {
    refuses(() => decoded(json, '{"a": [1, 2'), /cannot be read as JSON: no JSON at character 12$/)
    refuses(() => decoded(json, ''), /cannot be read as JSON: no JSON at character 1$/)
    refuses(() => decoded(json, '['.repeat(10_000)), /nested more than 80 deep/)
    refuses(() => decoded(json, `[${'1,'.repeat(2_000_000)}1]`), /more than 1000000 values/)
    refuses(() => decoded(json, ' '.repeat(2 ** 24 + 1)), /up to 16 MiB, and the body has 16777217 bytes/)
    refuses(() => decoded(json, mapOf({})), /^JSON is read from text or bytes, and the body is a map$/)
    refuses(() => decoded(json, { kind: 'none' }), /and the body is empty$/)
    refuses(() => decoded(json, { kind: 'object', bytes: bytes('aced') }), /a serialised Java object$/)
  })
})

describe('encode: json', () => {
  it('writes decimals as numbers and what JSON has no form for as text', () => {
    const values: Value[] = [
      { type: 'decimal', value: '0012.50' },
      { type: 'decimal', value: '12.50' },
      { type: 'uint64', value: 2n ** 64n - 1n },
      { type: 'bytes', value: bytes('0001ff') },
      { type: 'timestamp', value: 0 },
      { type: 'float64', value: Number.NaN },
    ]
    const { text } = encoded(json, { kind: 'list', items: values }) as { text: string }
    assert.equal(text, '["0012.50",12.50,18446744073709551615,"AAH/","1970-01-01T00:00:00.000Z","NaN"]')
  })

  it('refuses bytes, and values nested too deep', () => {
    refuses(() => encoded(json, { kind: 'bytes', bytes: bytes('00') }), /from a map, a list or text/)
    let deep: Value = { type: 'null' }
    for (let i = 0; i < 10_000; i++) deep = { type: 'list', value: [deep] }
    refuses(() => encoded(json, { kind: 'list', items: [deep] }), /nested more than 80 deep/)
  })
})

describe('a content type', () => {
  const message = { address: 'in', headers: {}, body: mapOf({ a: { type: 'int32', value: 1 } }) }

  it('becomes that of the format that is written, where the message has one', () => {
    const step = encode(json)
    const mapped = step({ ...message, properties: { contentType: 'text/xml', subject: 's' } })
    assert.deepEqual(mapped, {
      ...message,
      body: { kind: 'text', text: '{"a":1}' },
      properties: { contentType: 'application/json', subject: 's' },
    })
    assert.deepEqual((step({ ...message, properties: {} }) as { properties: object }).properties, {})
  })
})

describe('text of a charset', () => {
  it('is read and written in EBCDIC', () => {
    const cases: [string, string, string][] = [
      ['cp037', 'Hello, World [1]!', 'C8859393966B40E6969993844 0BAF1BB5A'],
      ['IBM037', '^¬{}', 'B05FC0D0'],
      ['ibm-273', 'ÄÖÜäöüß§@', '4AE05AC06AD0A17CB5'],
      ['500', '[]!|', '4A5A4FBB'],
      ['CP1047', '[]^{}\n', 'ADBD5FC0D025'],
      ['CCSID 1140', '€', '9F'],
      ['cp1141', '€ß', '9FA1'],
      ['IBM285', '£', '5B'],
    ]
    for (const [name, text, hex] of cases) {
      const rule = { format: 'text', charset: name } as const
      const written = encoded(rule, { kind: 'text', text }) as { bytes: Uint8Array }
      assert.equal(Buffer.from(written.bytes).toString('hex').toUpperCase(), hex.replace(' ', ''), name)
      assert.deepEqual(decoded(rule, bytes(hex)), { kind: 'text', text })
    }
  })

  /** glibc has an error or two in the others: X'E1' of 278, X'74' of 875. */
  const sameInGlibc = [
    '037',
    '273',
    '277',
    '280',
    '284',
    '297',
    '500',
    '1025',
    '1047',
    '1112',
    '1123',
    '1140',
    '1141',
  ]
  const all = bytes(Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0')).join(''))
  const iconv = spawnSync('iconv', ['-f', 'IBM037', '-t', 'UTF-8'], { input: all })

  it('has the pages of EBCDIC that iconv has', {
    skip: iconv.status !== 0 && 'no iconv that knows EBCDIC',
  }, () => {
    for (const page of sameInGlibc) {
      const name = page.length === 4 ? `IBM-${page}` : `IBM${page}`
      const { stdout } = spawnSync('iconv', ['-f', name, '-t', 'UTF-8'], { input: all })
      assert.equal(charsetNamed(page).decode(all), stdout.toString(), page)
    }
  })

  it('comes back, byte by byte, from every page that has all bytes', () => {
    for (const page of [...sameInGlibc, '278', '285', '870', '871', '1026', '1122', '1148', '1149']) {
      const charset = charsetNamed(page)
      assert.deepEqual(Buffer.from(charset.encode(charset.decode(all))), Buffer.from(all), page)
    }
  })

  it('comes back from any charset that has its characters', () => {
    const charsets = [
      'utf-8',
      'utf-16le',
      'UTF-16BE',
      'latin1',
      'windows-1252',
      'shift_jis',
      'gb18030',
      'cp037',
      'cp437',
    ]
    fc.assert(
      fc.property(fc.constantFrom(...charsets), fc.string({ unit: 'binary' }), (name, text) => {
        const rule = { format: 'text', charset: name } as const
        let written: Body
        try {
          written = encoded(rule, { kind: 'text', text })
        } catch (error) {
          assert.match(String(error), /^MessageRefused: the charset .* has no character U\+[0-9A-F]{4,6}$/)
          return
        }
        const back = decoded(rule, written) as { text: string }
        assert.equal(back.text, text.replace(/^\ufeff/, ''))
      }),
    )
  })

  it('refuses bytes that are no text of the charset, and characters that it lacks', () => {
    const read = (charset: string, hex: string) => () => decoded({ format: 'text', charset }, bytes(hex))
    refuses(read('utf-8', 'c080'), /^the body holds bytes that are no utf-8$/)
    refuses(read('utf-8', 'eda080'), /no utf-8$/)
    refuses(read('utf-8', '41e4'), /no utf-8$/)
    refuses(read('utf-16le', '410042'), /no utf-16le$/)
    refuses(read('utf-32le', '410000'), /no utf-32le$/)
    refuses(read('shift_jis', '4181'), /no shift_jis$/)
    refuses(read('cp875', '41dc'), /no cp875$/)
    const write = (charset: string, text: string) => () =>
      encoded({ format: 'text', charset }, { kind: 'text', text })
    refuses(write('latin1', 'a€'), /^the charset latin1 has no character U\+20AC$/)
    refuses(write('cp037', '€'), /^the charset cp037 has no character U\+20AC$/)
    refuses(write('utf-8', '\ud83e'), /^the charset utf-8 has no character U\+D83E$/)
    refuses(write('utf-16le', '\ud83e'), /^the charset utf-16le has no character U\+D83E$/)
    refuses(write('gb18030', '\u4e02\ud83e'), /^the charset gb18030 has no character U\+D83E$/)
    const long = 'é'.repeat(2 ** 22)
    refuses(write('latin1', `${long}€`), /^the charset latin1 has no character U\+20AC$/)
    refuses(
      write('shift_jis', `${'あ'.repeat(2 ** 22)}é`),
      /^the charset shift_jis has no character U\+00E9$/,
    )
  })

  it('is no charset when nobody knows it: the configuration is wrong', () => {
    assert.throws(() => decode({ format: 'text', charset: 'klingon' }), /^Error: there is no charset klingon/)
    assert.throws(() => encode({ format: 'text', charset: 'base64' }), /^Error: there is no charset base64/)
    assert.throws(
      () => decode({ format: 'text', charset: 'utf-16' }),
      /order of its bytes: utf-16le or utf-16be$/,
    )
  })
})

describe('base64', () => {
  const base64 = { format: 'base64' } as const

  it('comes back from any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), value => {
        const back = decoded(base64, encoded(base64, { kind: 'bytes', bytes: value })) as {
          bytes: Uint8Array
        }
        assert.deepEqual(Buffer.from(back.bytes), Buffer.from(value))
      }),
    )
  })

  it('may have line breaks, as mail has them, and a serialised object in it', () => {
    assert.deepEqual(decoded(base64, 'AAEC\r\n/w==\r\n'), {
      kind: 'bytes',
      bytes: Buffer.from('000102ff', 'hex'),
    })
    assert.deepEqual(encoded(base64, { kind: 'object', bytes: bytes('aced0005') }), {
      kind: 'text',
      text: 'rO0ABQ==',
    })
    assert.deepEqual(encoded(base64, { kind: 'text', text: 'ä' }), { kind: 'text', text: 'w6Q=' })
  })

  it('refuses what is cut off or no base64', () => {
    for (const wrong of ['AAE', 'A', 'AA==AA==', 'AB==', '_-AA', 'hello!', '====']) {
      refuses(() => decoded(base64, wrong), /^the body is no base64/)
    }
    refuses(() => encoded(base64, mapOf({})), /from bytes or text, and the body is a map$/)
  })
})
