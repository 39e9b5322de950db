import { MessageRefused } from '../../../core/errors.ts'

/**
 * An integer past 2^53 as an expression sees it: JavaScript's numbers would round it. JSONata takes it for an object, so
 * that it passes through paths and constructors as it is, equals only itself, is truthy, and is refused by all that
 * computes; as text, and in JSON text, it is its digits. A bigint would be false in a condition and no text (JSONata 2.2).
 */
export class LargeInteger {
  /** Without a `+` and without leading zeros. */
  readonly integer: string

  constructor(integer: string) {
    this.integer = integer
  }

  toJSON(): unknown {
    return rawJson(this.integer)
  }
}

/** The text of a whole number as the number that it is. */
export const integerOf = (text: string): number | LargeInteger =>
  Number.isSafeInteger(Number(text)) ? Number(text) : new LargeInteger(text)

/** ECMAScript 2026, JSON.parse source text access: in V8 since 11.4, not yet in TypeScript's library. */
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

/**
 * JSON of which no integer is rounded; other numbers are JavaScript's. Throws SyntaxError, and MessageRefused for a number that
 * would become Infinity.
 */
export function parseJson(text: string): unknown {
  // Reading each number's text takes ten times as long.
  return maybeLarge.test(text)
    ? JSON.parse(text, exact as (key: string, value: unknown) => unknown)
    : JSON.parse(text)
}

const maybeLarge = /\d{16}|\d[eE]\+?\d{3}/
const integer = /^-?\d+$/

function exact(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value
  if (integer.test(source)) return new LargeInteger(source)
  if (!Number.isFinite(value))
    throw new MessageRefused(
      `its JSON body holds ${source}, a number past what expressions can compute with: with "decode: { format: json }" before, they see it as text`,
    )
  return value
}
