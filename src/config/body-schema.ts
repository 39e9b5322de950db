import { z } from 'zod'

/** The formats of bodies in `decode` and `encode`. What only their codecs know (charsets) is checked there. */

const charset = z.string().min(1)
const aCharset = 'that iconv-lite knows, or an EBCDIC code page of one byte: `latin1`, `cp037`, `ibm1047`'

const records = z
  .enum(['one', 'many'])
  .default('one')
  .describe('one record is a map, many are a list of maps')

const differ = (columns: readonly { readonly name?: string | undefined }[]): boolean => {
  const names = columns.flatMap(({ name }) => name ?? [])
  return new Set(names).size === names.length
}

const noBreak = /^[^\r\n]*$/

const csv = z
  .strictObject({
    format: z.literal('csv'),
    columns: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          type: z.enum(['text', 'int', 'decimal']).default('text'),
        }),
      )
      .min(1)
      .refine(differ, { error: 'expected columns of different names' })
      .optional()
      .describe(
        'the columns in their order; without them the header names them (written, the first record does), and all values are text',
      ),
    header: z.boolean().default(false).describe('the first line has the names of the columns'),
    separator: z
      .string()
      .length(1, { error: 'expected one character' })
      .regex(noBreak, { error: 'expected a separator that is no line break' })
      .default(',')
      .describe('what stands between two values'),
    quote: z
      .string()
      .max(1, { error: 'expected one character, or none' })
      .regex(noBreak, { error: 'expected a quote that is no line break' })
      .default('"')
      .describe('what values with a separator or a line break stand in; empty where nothing is quoted'),
    records,
  })
  .refine(({ separator, quote }) => separator !== quote, {
    error: 'expected a separator that is not the quote',
    path: ['separator'],
  })
  .refine(({ columns, header }) => columns !== undefined || header, {
    error: 'expected columns, or header: true',
  })

const fixedColumn = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .optional()
      .describe('without a name it is filler: skipped, and written as blanks'),
    width: z.int().min(1).max(32_767),
    type: z
      .enum(['text', 'int', 'decimal', 'packed_decimal', 'zoned_decimal', 'binary'])
      .default('text')
      .describe(
        '`packed_decimal` is COMP-3 of COBOL, `zoned_decimal` DISPLAY with the sign in the last digit, `binary` COMP',
      ),
    scale: z
      .int()
      .min(0)
      .max(31)
      .optional()
      .describe('digits after a point that is not written: 2 for `9(5)V99`'),
    signed: z.boolean().default(true).describe('`S` of the picture; false refuses a negative number'),
    charset: charset.optional().describe('another charset for this column'),
  })
  .refine(c => c.scale === undefined || (c.type !== 'text' && c.type !== 'int'), {
    error: 'expected no scale: text and int have no point',
    path: ['scale'],
  })
  .refine(c => c.type !== 'packed_decimal' || c.width <= 16, {
    error: 'expected at most 16: a packed decimal has up to 31 digits',
    path: ['width'],
  })
  .refine(c => c.type !== 'binary' || c.width <= 8, {
    error: 'expected at most 8: a binary number has up to 8 bytes',
    path: ['width'],
  })

const fixedWidth = z
  .strictObject({
    format: z.literal('fixed_width'),
    columns: z
      .array(fixedColumn)
      .min(1)
      .refine(differ, { error: 'expected columns of different names' })
      .describe('the columns in their order, which fill the record'),
    charset: charset
      .optional()
      .describe(`a charset ${aCharset}: widths are bytes; without it they are characters of a text`),
    trim: z
      .boolean()
      .default(true)
      .describe('text loses the blanks at its end when it is read; nothing else is cut when it is written'),
    records,
  })
  .refine(
    ({ columns, charset }) =>
      charset !== undefined ||
      columns.every(c => c.type !== 'packed_decimal' && c.type !== 'binary' && c.charset === undefined),
    {
      error: 'missing; packed decimals, binary numbers and charsets of columns need records of bytes',
      path: ['charset'],
    },
  )

const textFormat = z.strictObject({
  format: z.literal('text'),
  charset: charset.default('utf-8').describe(`a charset ${aCharset}`),
})

const json = z.strictObject({ format: z.literal('json') })
const base64 = z.strictObject({ format: z.literal('base64') })

/** What `decode` reads. */
export const readFormat = z.discriminatedUnion('format', [
  json,
  z.strictObject({
    format: z.literal('xml'),
    arrays: z
      .array(z.string().min(1))
      .optional()
      .describe(
        'elements that are lists even where there is one, by the names from the root on: `order.line`',
      ),
  }),
  csv,
  fixedWidth,
  textFormat,
  base64,
])

/** What `encode` writes. */
export const writtenFormat = z.discriminatedUnion('format', [
  json,
  z.strictObject({
    format: z.literal('xml'),
    root: z
      .string()
      .min(1)
      .optional()
      .describe('name of the root; without it the body has one key, which is the root'),
  }),
  csv,
  fixedWidth,
  textFormat,
  base64,
])
