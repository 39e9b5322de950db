import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  decodeText,
  encodeFrame,
  errorWords,
  type Frame,
  type Version,
} from '../../src/adapters/stomp/codec.ts'
import { agreeBeats } from '../../src/adapters/stomp/heartbeat.ts'
import { FrameParser } from '../../src/adapters/stomp/parser.ts'

const limit = 4 * 2 ** 20

/** What a server would have written: a frame with this body. */
const wire = (
  headers: readonly (readonly [string, string])[],
  body: Uint8Array,
  version: Version = '1.2',
  command = 'MESSAGE',
): Buffer =>
  Buffer.concat([Buffer.from(encodeFrame(command, headers, version)).subarray(0, -1), body, Buffer.from([0])])

/** All frames of the stream, cut at the given places. */
function parse(
  stream: Uint8Array,
  { version = '1.2' as Version, cuts = [] as number[], max = limit } = {},
): Frame[] {
  const frames: Frame[] = []
  const parser = new FrameParser(max, frame => frames.push(frame))
  parser.version = version
  let from = 0
  for (const to of [...cuts.filter(c => c <= stream.length).sort((a, b) => a - b), stream.length]) {
    parser.push(Buffer.from(stream.subarray(from, to)))
    from = to
  }
  return frames
}

const headerText = fc
  .string({ unit: 'binary', maxLength: 30 })
  .filter(s => !s.includes('\0') && s.isWellFormed())
const headerList = fc.uniqueArray(fc.tuple(headerText, headerText), { selector: h => h[0], maxLength: 8 })
const own = (headers: readonly (readonly [string, string])[]) =>
  headers.filter(([name]) => name !== 'content-length')
const cuts = fc.array(fc.nat(3_000), { maxLength: 20 })

describe('STOMP frames', () => {
  test('any headers and any body come back exact, however the stream is cut', () => {
    const frame = fc.record({
      headers: headerList,
      body: fc.uint8Array({ maxLength: 400 }),
      beats: fc.nat(3),
    })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), cuts, (sent, at) => {
        const stream = Buffer.concat(
          sent.flatMap(({ headers, body, beats }) => [
            Buffer.alloc(beats, '\n'),
            wire([...own(headers), ['content-length', String(body.length)]], body),
          ]),
        )
        const came = parse(stream, { cuts: at })
        assert.equal(came.length, sent.length)
        sent.forEach(({ headers, body }, i) => {
          assert.deepEqual([...came[i]!.headers].slice(0, -1), own(headers))
          assert.deepEqual(Buffer.from(body), came[i]!.body)
        })
      }),
      { numRuns: 300 },
    )
  })

  test('a body without content-length goes to the NUL, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), cuts, (text, at) => {
        fc.pre(!text.includes('\0'))
        const body = Buffer.from(text)
        const came = parse(Buffer.concat([wire([['a', 'b']], body), wire([], body)]), { cuts: at })
        assert.deepEqual(
          came.map(f => f.body),
          [body, body],
        )
      }),
    )
  })

  test('random bytes are frames or an error, never a hang', () => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .constantFrom('MESSAGE\n', 'ERROR\r\n', 'a:b\n', 'content-length:5\n', '\n', '\r\n', '\0', '\\n')
        .map(s => Buffer.from(s)),
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), cuts, (parts, at) => {
        const stream = Buffer.concat(parts)
        const whole = attempt(() => parse(stream))
        assert.deepEqual(
          attempt(() => parse(stream, { cuts: at })),
          whole,
        )
      }),
      { numRuns: 2_000 },
    )
  })

  test('escapes are those of the negotiated version', () => {
    const value = 'C:\\new\\\\r\ttable'
    const raw = (line: string) => Buffer.from(`MESSAGE\nv:${line}\n\n\0`)
    assert.equal(parse(raw('C\\c\\\\new\\\\\\\\r\ttable'))[0]!.headers.get('v'), value)
    assert.equal(parse(raw('a\\nb\\rc\\\\n'))[0]!.headers.get('v'), 'a\nb\rc\\n')
    assert.equal(parse(raw('a\\nb\\rc'), { version: '1.1' })[0]!.headers.get('v'), 'a\nb\\rc')
    assert.equal(parse(raw('a\\nb\\cc'), { version: '1.0' })[0]!.headers.get('v'), 'a\\nb\\cc')
    assert.equal(parse(raw('C:\\temp'))[0]!.headers.get('v'), 'C:\\temp', 'an escape nobody knows stays')
  })

  test('CONNECTED is never unescaped, CONNECT never escaped', () => {
    const [frame] = parse(Buffer.from('CONNECTED\nserver:a\\nb\n\n\0'))
    assert.equal(frame!.headers.get('server'), 'a\\nb')
    assert.equal(encodeFrame('CONNECT', [['passcode', 'a:b\\c']], '1.2'), 'CONNECT\npasscode:a:b\\c\n\n\0')
    assert.throws(() => encodeFrame('CONNECT', [['passcode', 'a\nb']], '1.2'), /line break/)
  })

  test('values keep their spaces, names are unescaped, of repeated headers the first counts', () => {
    const [frame] = parse(Buffer.from('MESSAGE\n  a : b \na\\cb:1\na\\cb:2\nempty:\n\nx\0'))
    assert.deepEqual(
      [...frame!.headers],
      [
        ['  a ', ' b '],
        ['a:b', '1'],
        ['empty', ''],
      ],
    )
  })

  test('CR LF ends lines for a peer that writes it, and is part of a value for one that does not', () => {
    assert.equal(parse(Buffer.from('MESSAGE\r\na:b\r\n\r\nx\0'))[0]!.headers.get('a'), 'b')
    assert.equal(parse(Buffer.from('MESSAGE\na:b\r\n\nx\0'))[0]!.headers.get('a'), 'b\r')
  })

  test('surrogates of three bytes each become one character, broken UTF-8 is no text', () => {
    const cesu = Buffer.from('41eda0bdedb88042', 'hex')
    assert.equal(decodeText(cesu), 'A😀B')
    assert.equal(decodeText(Buffer.from('41eda0bd42', 'hex')), undefined, 'half a pair')
    assert.equal(decodeText(Buffer.from('ff', 'hex')), undefined)
    const head = Buffer.concat([Buffer.from('MESSAGE\nv:'), cesu, Buffer.from('\n\n\0')])
    assert.equal(parse(head)[0]!.headers.get('v'), 'A😀B')
  })

  test('each header is read in its own form: UTF-8, Java’s, or broken', () => {
    const head = Buffer.concat([
      Buffer.from('MESSAGE\nutf:😀\njava:'),
      Buffer.from('41eda0bdedb88042c080', 'hex'),
      Buffer.from('\nbroken:'),
      Buffer.from('41ff', 'hex'),
      Buffer.from('\nlast:é\n\n\0'),
    ])
    assert.deepEqual(
      [...parse(head)[0]!.headers],
      [
        ['utf', '😀'],
        ['java', 'A😀B\0'],
        ['broken', 'A\ufffd'],
        ['last', 'é'],
      ],
    )
  })

  for (const [what, stream, expected] of [
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n\r\n', /no STOMP.*STOMP port/],
    ['a header without a colon', 'MESSAGE\nabc\n\n\0', /without a colon/],
    ['a NUL in the head', 'MESSAGE\na:\0\n\n\0', /NUL among the headers/],
    ['a content-length that is none', 'MESSAGE\ncontent-length:-1\n\n\0', /content-length of "-1"/],
    ['no NUL after the body', 'MESSAGE\ncontent-length:1\n\nabc\0', /no NUL after the 1 bytes/],
    ['a content-length beyond the limit', `MESSAGE\ncontent-length:${limit + 1}\n\n`, /max_message_size/],
    ['a body without end', `MESSAGE\n\n${'x'.repeat(limit + 1)}`, /max_message_size/],
    ['headers without end', 'x'.repeat(2 ** 20 + 1), /headers of more than/],
    ['too many headers', `MESSAGE\n${'a:b\n'.repeat(10_001)}\n\0`, /more than 10000 headers/],
  ] as const) {
    test(`${what} is an error`, () => {
      assert.throws(() => parse(Buffer.from(stream)), expected)
    })
  }

  test('a small body does not keep its chunk in memory', () => {
    const chunk = Buffer.alloc(65_536)
    const frames: Frame[] = []
    const parser = new FrameParser(limit, f => frames.push(f))
    const bytes = wire([['content-length', '3']], Buffer.from('abc'))
    parser.push(chunk.subarray(0, bytes.copy(chunk)))
    assert.notEqual(frames[0]!.body.buffer, chunk.buffer)
  })

  test('the words of an ERROR are one line, without the stack trace', () => {
    const words = (message: string, body: string) =>
      errorWords(parse(wire(message ? [['message', message]] : [], Buffer.from(body), '1.2', 'ERROR'))[0]!)
    assert.equal(
      words(
        'User name [x] or password is invalid.',
        'java.lang.SecurityException: User…\n\tat a.b(C.java:1)\n',
      ),
      'User name [x] or password is invalid.',
    )
    assert.equal(
      words('Bad CONNECT', "Access refused for user 'x'\n"),
      "Bad CONNECT: Access refused for user 'x'",
    )
    assert.equal(words('', 'java.io.IOException: gone\n\tat a.b(C.java:1)\n'), 'java.io.IOException: gone')
    assert.equal(words('', ''), 'it gave no reason')
  })

  test('heart-beats are the slower of what the two sides said, or none', () => {
    assert.deepEqual(agreeBeats(30_000, '10000,5000'), { send: 30_000, expect: 30_000 })
    assert.deepEqual(agreeBeats(1_000, '10000,5000'), { send: 5_000, expect: 10_000 })
    assert.deepEqual(agreeBeats(1_000, '0,0'), { send: 0, expect: 0 })
    assert.deepEqual(agreeBeats(1_000, undefined), { send: 0, expect: 0 })
  })
})

/** The result or the error's message, to compare two ways of getting there. */
function attempt<T>(run: () => T): T | 'error' {
  try {
    return run()
  } catch {
    return 'error'
  }
}
