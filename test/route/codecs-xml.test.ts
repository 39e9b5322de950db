import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Entry, Value } from '../../src/core/value.ts'
import { decoded, encoded, jsonFrom, mapOf, refuses } from './on-bodies.ts'

const xml = { format: 'xml' } as const
const read = (document: string | Uint8Array, arrays: string[] = []) =>
  JSON.parse(jsonFrom(decoded({ ...xml, arrays }, document)))
const text = (value: string): Value => ({ type: 'string', value })

const names = fc.constantFrom('a', 'b', 'ns:order', 'straße', '_x-1.2', '__proto__', 'constructor')
/** What XML has a form for. */
const texts = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', ' ', '\r\n', ']]>', '&amp;', '<a/>', '"\t\n\'', '007', '1e5'),
  )
  .map(s => s.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?'))

const unique = (entries: readonly (readonly [string, Value])[]): Entry[] =>
  Array.from(new Map(entries), ([k, v]) => [text(k), v] as const)

/** Values as `decode: xml` makes them: all text, one element by itself, lists of two and more. */
const elements: fc.Arbitrary<Value> = fc.letrec<{ value: Value; map: Value }>(tie => ({
  value: fc.oneof({ depthSize: 'small' }, texts.map(text), tie('map')),
  map: fc
    .tuple(
      fc.array(
        fc.tuple(
          names.map(n => `@${n}`),
          texts.map(text),
        ),
        { maxLength: 3 },
      ),
      fc.option(texts.filter(t => /\S/.test(t)).map(text), { nil: undefined }),
      fc.array(
        fc.tuple(
          names,
          fc.oneof(
            tie('value'),
            fc
              .array(tie('value'), { minLength: 2, maxLength: 3 })
              .map((value): Value => ({ type: 'list', value })),
          ),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([attributes, own, children]): Value => {
      const inner = unique([...attributes, ...(own ? [['#text', own] as const] : []), ...children])
      // An element with nothing but text is that text, and an empty one the empty text.
      const [only] = inner
      if (only === undefined) return text('')
      return inner.length === 1 && only[0].type === 'string' && only[0].value === '#text'
        ? only[1]
        : { type: 'map', value: inner }
    }),
})).value

describe('decode: xml', () => {
  it('reads elements, attributes and text, and guesses no types', () => {
    const document = `<?xml version="1.0"?>
      <!-- an order -->
      <order id="007" xmlns:x="urn:x">
        <line sku="A&amp;B"> two  </line>
        <line><qty>2</qty><price>1.50</price></line>
        <x:note><![CDATA[<b>&</b>]]>&#x20AC;</x:note>
        <empty/>
        <flag on="true"/>
      </order>`
    assert.deepEqual(read(document), {
      order: {
        '@id': '007',
        '@xmlns:x': 'urn:x',
        line: [
          { '@sku': 'A&B', '#text': ' two  ' },
          { qty: '2', price: '1.50' },
        ],
        'x:note': '<b>&</b>€',
        empty: '',
        flag: { '@on': 'true' },
      },
    })
  })

  it('makes lists of the elements that are always lists, wherever they are one', () => {
    const arrays = ['order.line', 'order.line.tag']
    assert.deepEqual(read('<order><line><tag>a</tag></line></order>', arrays), {
      order: { line: [{ tag: ['a'] }] },
    })
    assert.deepEqual(read('<order><other><line>1</line></other></order>', arrays), {
      order: { other: { line: '1' } },
    })
  })

  it('reads bytes in the encoding that they name, in UTF-8 when they name none', () => {
    const latin1 = Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>ä</a>', 'latin1')
    assert.deepEqual(read(latin1), { a: 'ä' })
    assert.deepEqual(read(Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-8"?><a>ä</a>')), { a: 'ä' })
    assert.deepEqual(read(Buffer.from('\ufeff<?xml version="1.0" encoding="UTF-16"?><a>ä</a>', 'utf16le')), {
      a: 'ä',
    })
    const ebcdic = encoded(
      { format: 'text', charset: 'cp273' },
      {
        kind: 'text',
        text: '<?xml version="1.0" encoding="IBM273"?><a>ä</a>',
      },
    ) as { bytes: Uint8Array }
    assert.deepEqual(read(ebcdic.bytes), { a: 'ä' })
    refuses(() => read(Buffer.from('<a>\xe4</a>', 'latin1')), /no utf-8$/)
    refuses(
      () => read(Buffer.from('<?xml version="1.0" encoding="klingon"?><a/>')),
      /there is no charset klingon/,
    )
  })

  it('refuses a document type, so that entities can be no bomb', () => {
    const lol = Array.from({ length: 20 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')
    const bomb = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">${lol}]><lolz>&l20;</lolz>`
    refuses(
      () => read(bomb),
      /^the body is XML with a document type \(<!DOCTYPE …>\), and such are not read$/,
    )
    refuses(() => read('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'), /document type/)
    refuses(() => read('<a>&l9;</a>'), /cannot be read as XML: 1:7: undefined entity\.$/)
  })

  it('refuses what is nested too deep or holds too much, soon', () => {
    refuses(() => read('<a>'.repeat(10_000) + '</a>'.repeat(10_000)), /elements nested more than 80 deep$/)
    refuses(() => read(`<a>${'<b/>'.repeat(1_000_001)}</a>`), /more than 1000000 values$/)
    refuses(
      () => read(`<a ${Array.from({ length: 20_000 }, (_, i) => `a${i}=""`).join(' ')}/>`),
      /1000 attributes$/,
    )
    refuses(() => read(`<a>${'x'.repeat(2 ** 24)}</a>`), /up to 16 MiB/)
    assert.ok(read('<a>'.repeat(80) + '</a>'.repeat(80)))
  })

  it('refuses what is not well-formed, and says where', () => {
    const wrong: [string, RegExp][] = [
      ['', /must contain a root element/],
      ['text', /text data outside of root node/],
      ['<a>', /1:3: unclosed tag: a$/],
      ['<a>\n<b></a>', /2:7: unexpected close tag/],
      ['<a/><b/>', /only one root/],
      ['<a b="1" b="2"/>', /duplicate attribute: b/],
      ['<a>\u0001</a>', /1:4: disallowed character/],
      ['<a>&#0;</a>', /malformed character entity/],
      ['<a>x & y</a>', /XML: 1:/],
    ]
    for (const [document, reason] of wrong) refuses(() => read(document), reason)
  })
})

describe('encode: xml', () => {
  it('comes back as the same map, from any of what can be read', () => {
    fc.assert(
      fc.property(names, elements, (name, value) => {
        const body = mapOf({ [name]: value })
        assert.deepEqual(decoded(xml, encoded(xml, body)), { kind: 'map', entries: [[text(name), value]] })
      }),
    )
  })

  it('takes the name of the root, and makes text of every scalar', () => {
    const body = mapOf({
      '@id': { type: 'int32', value: 7 },
      big: { type: 'uint64', value: 2n ** 64n - 1n },
      price: { type: 'decimal', value: '1.50' },
      none: { type: 'null' },
      no: { type: 'list', value: [] },
      yes: { type: 'list', value: [{ type: 'bool', value: true }] },
    })
    assert.deepEqual(encoded({ ...xml, root: 'order' }, body), {
      kind: 'text',
      text: '<order id="7"><big>18446744073709551615</big><price>1.50</price><none/><yes>true</yes></order>',
    })
  })

  it('refuses what XML has no form for', () => {
    const write = (entries: Readonly<Record<string, Value>>, root?: string) => () =>
      encoded({ ...xml, ...(root && { root }) }, mapOf(entries))
    refuses(
      write({ a: text('1'), b: text('2') }),
      /one root: give its name as root, or a map with one key, not 2$/,
    )
    refuses(write({}), /not 0$/)
    refuses(write({ 'a b': text('1') }), /^"a b" is no name of an XML element$/)
    refuses(write({ '><': text('1') }, 'r'), /^"><" is no name of an XML element$/)
    refuses(write({ '@a=': text('1') }, 'r'), /no name of an XML attribute$/)
    refuses(write({ a: text('\u0000') }), /^XML has no form for the character U\+0000$/)
    refuses(write({ a: text('\ud83e') }), /^XML has no form for the character U\+D83E$/)
    refuses(write({ '@a': { type: 'list', value: [] } }, 'r'), /^@a of XML is text, and here it is a list$/)
    const attributes: Entry[] = [text('1'), text('2')].map(value => [text('@b'), value])
    refuses(write({ a: { type: 'map', value: attributes } }), /^@b stands twice in the element a$/)
    const lists: Value = { type: 'list', value: [{ type: 'list', value: [] }] }
    refuses(write({ a: lists }, 'r'), /^a list in a list, under a, has no form in XML$/)
    refuses(
      () => encoded(xml, { kind: 'list', items: [] }),
      /^XML is written from a map, and the body is a list$/,
    )
  })
})
