import fc from 'fast-check'

type Change = (bytes: Buffer) => Buffer

const numbers = [0, 1, 0x7f, 0x80, 0xff]
const words = [
  '\0',
  '\n',
  '"',
  '{',
  '[',
  '<',
  '&',
  ',',
  ':',
  '\\',
  '${',
  '__proto__',
  '-0',
  '1e999',
  '😀',
  '\ud800',
  '  ',
]

/** What a line, a disk or somebody with bad intentions does to bytes. */
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(7)).map(
    ([at, bit]): Change =>
      bytes => {
        if (bytes.length > 0) bytes[at % bytes.length]! ^= 1 << bit
        return bytes
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(...numbers)).map(
    ([at, value]): Change =>
      bytes => {
        if (bytes.length > 0) bytes[at % bytes.length] = value
        return bytes
      },
  ),
  fc.tuple(fc.nat(), fc.constantFrom(0xffffffff, 0x7fffffff, 0x80000000, 0x00ffffff)).map(
    ([at, value]): Change =>
      bytes => {
        if (bytes.length >= 4) bytes.writeUInt32BE(value, at % (bytes.length - 3))
        return bytes
      },
  ),
  fc.tuple(fc.nat(), fc.nat(40)).map(
    ([at, length]): Change =>
      bytes => {
        const from = at % (bytes.length + 1)
        return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + length)])
      },
  ),
  fc.tuple(fc.nat(), fc.nat(40), fc.integer({ min: 1, max: 20 })).map(
    ([at, length, times]): Change =>
      bytes => {
        const from = at % (bytes.length + 1)
        const part = bytes.subarray(from, from + length)
        return Buffer.concat([
          bytes.subarray(0, from),
          ...Array.from({ length: times }, () => part),
          bytes.subarray(from),
        ])
      },
  ),
  fc.nat().map(
    (at): Change =>
      bytes =>
        bytes.subarray(0, at % (bytes.length + 1)),
  ),
  fc
    .tuple(
      fc.nat(),
      fc.oneof(
        fc.constantFrom(...words).map(w => Buffer.from(w)),
        fc.uint8Array({ maxLength: 12 }),
      ),
    )
    .map(
      ([at, more]): Change =>
        bytes => {
          const from = at % (bytes.length + 1)
          return Buffer.concat([bytes.subarray(0, from), more, bytes.subarray(from)])
        },
    ),
)

/** Captures with some changes mostly, and bytes out of nothing. */
export const inputs = (seeds: readonly Buffer[]): fc.Arbitrary<Buffer> =>
  fc.oneof<fc.MaybeWeightedArbitrary<Buffer>[]>(
    {
      weight: 9,
      arbitrary: fc
        .tuple(fc.constantFrom(...seeds), fc.array<Change>(change, { minLength: 1, maxLength: 6 }))
        .map(([seed, changes]) => changes.reduce<Buffer>((bytes, one) => one(bytes), Buffer.from(seed))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)) },
  )
