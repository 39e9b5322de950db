import fc from 'fast-check'
import type { Body, Message, Properties } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'

/** Any text: every code point, surrogates that are alone, and what is odd to somebody. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 8 }).map(units => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    ' ',
    '\0',
    '\ud83e',
    '\ufeff',
    '\ufffd',
    '\ufffe',
    '\u{1ffff}',
    '🦑',
    '__proto__',
    '0',
    'eyI=',
  ),
)
const text = anyText
const bytes = fc.uint8Array({ maxLength: 40 })
const integer = (min: number, max: number) => fc.integer({ min, max })
const odd = fc.constantFrom(-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
const small = fc.nat(9).map(BigInt)
const sized = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

/** Any value of any type, nested a little. */
export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>(tie => {
  const typed = <T extends Value['type'], V>(type: T, value: fc.Arbitrary<V>) =>
    value.map(v => ({ type, value: v }) as unknown as Value)
  return {
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant<Value>({ type: 'null' }),
      typed('bool', fc.boolean()),
      typed('int8', integer(-128, 127)),
      typed('int16', integer(-32_768, 32_767)),
      typed('int32', integer(-(2 ** 31), 2 ** 31 - 1)),
      typed('uint8', integer(0, 255)),
      typed('uint16', integer(0, 65_535)),
      typed('uint32', integer(0, 2 ** 32 - 1)),
      typed('int64', fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), small)),
      typed('uint64', fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), small)),
      typed('float32', fc.oneof(fc.float(), odd)),
      typed('float64', fc.oneof(fc.double(), odd, fc.integer())),
      typed('string', text),
      typed('symbol', text),
      typed('char', fc.string({ minLength: 1, maxLength: 1 })),
      typed('uuid', fc.uuid()),
      typed(
        'decimal',
        fc.integer().map(n => `${n}.5`),
      ),
      typed('bytes', bytes),
      typed('decimal32', sized(4)),
      typed('decimal64', sized(8)),
      typed('decimal128', sized(16)),
      typed('timestamp', integer(0, 4_102_444_800_000)),
      typed('list', fc.array(tie('value'), { maxLength: 4 })),
      typed('map', fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 4 })),
    ),
  }
}).value

const namedValues = fc.array(fc.tuple(text, anyValue), { maxLength: 4 })

/** A body of any kind. */
export const anyBody: fc.Arbitrary<Body> = fc.oneof(
  text.map(t => ({ kind: 'text', text: t }) as const),
  bytes.map(b => ({ kind: 'bytes', bytes: b }) as const),
  bytes.map(b => ({ kind: 'object', bytes: b }) as const),
  fc
    .array(fc.tuple(anyValue, anyValue), { maxLength: 4 })
    .map(entries => ({ kind: 'map', entries }) as const),
  namedValues.map(
    pairs =>
      ({
        kind: 'map',
        entries: pairs.map(([key, value]) => [{ type: 'string', value: key }, value]),
      }) as Body,
  ),
  fc.array(anyValue, { maxLength: 4 }).map(items => ({ kind: 'list', items }) as const),
  fc.constant({ kind: 'none' } as const),
)

const anyProperties: fc.Arbitrary<Properties> = fc.record(
  {
    messageId: anyValue,
    correlationId: anyValue,
    replyTo: text,
    contentType: text,
    contentEncoding: text,
    subject: text,
    appId: text,
    trail: text,
    retained: fc.boolean(),
    createdAt: fc.nat(),
    groupId: text,
    groupSequence: fc.nat(),
    priority: fc.nat(9),
    durable: fc.boolean(),
    expiresAt: fc.nat(),
    userId: anyValue,
    deduplicationId: text,
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** Any message with any body, properties and headers. */
export const anyMessage: fc.Arbitrary<Message> = fc.record(
  {
    address: text,
    body: anyBody,
    properties: anyProperties,
    headers: fc.dictionary(text, anyValue, { maxKeys: 5, noNullPrototype: true }),
    annotations: fc.dictionary(text, anyValue, { maxKeys: 3, noNullPrototype: true }),
  },
  { requiredKeys: ['address', 'body', 'properties', 'headers'], noNullPrototype: true },
)
