import { z } from 'zod'
import { readFormat, writtenFormat } from './body-schema.ts'

/** The rules of `mapping:`, as people write them. What only their compilers know (expressions, patterns) is checked there. */

const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: 'expected a text, a number, true or false' })
  .refine(written => !Number.isInteger(written) || Number.isSafeInteger(written), {
    error:
      'YAML rounds whole numbers past 2^53: write it as text, or as an expression with its digits, "${9007199254740993}"',
  })
const template = z.string().min(1, { error: 'expected a text with something in it' })
const expression = z.string().min(1, { error: 'expected an expression' })

const set = z.strictObject({
  headers: z.record(z.string(), scalar).optional().describe('headers to add or replace'),
  address: scalar
    .optional()
    .describe(
      'where it goes, for a target that has `"${address}"`; as it came it is where the message was read',
    ),
  body: scalar.optional().describe('a new body: text, or the map or list that a lone expression gives'),
  group_id: scalar.optional().describe('order group: the message group of FIFO targets'),
  deduplication_id: scalar.optional().describe('id by which a target knows a repetition'),
  correlation_id: scalar.optional().describe('keeps the type of a lone expression'),
  reply_to: scalar.optional().describe('address for replies'),
  content_type: scalar.optional().describe('media type of the body'),
  subject: scalar.optional().describe('JMSType, AMQP subject'),
  priority: scalar.optional().describe('0 to 9, for targets that know priorities'),
  delay: scalar
    .optional()
    .describe('time until a target that can wait hands the message out: `5m`, or a number of milliseconds'),
  expires_in: scalar.optional().describe('time to live from now on: `1h`, or a number of milliseconds'),
})

const castTypes = [
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'decimal',
  'bool',
  'timestamp',
  'bytes',
  'string',
  'symbol',
  'uuid',
] as const

const cast = z.strictObject({
  headers: z
    .record(z.string(), z.enum(castTypes))
    .describe('types by header; `timestamp` reads ISO 8601 or milliseconds, `bytes` base64'),
})

const route = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        when: expression.describe('JSONata; only exactly true is a match'),
        address: template.describe('where a match goes; may hold ${expressions}'),
      }),
    )
    .min(1)
    .describe('the first whose condition is true'),
  default: template.optional().describe('where all others go; without it they are refused'),
})

const validate = z.strictObject({
  schema: z.string().min(1).describe('file of a JSON Schema, in JSON or YAML'),
})

const lookup = z.strictObject({
  file: z.string().min(1).describe('table: a .csv file with a header line, or a .yaml map of rows by key'),
  key: template.describe('key of the row; may hold ${expressions}'),
  column: z
    .string()
    .min(1)
    .optional()
    .describe('column of a .csv file that holds the keys; the first unless it is named'),
  as: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, { error: 'expected a name of letters, digits and "_"' })
    .describe('expressions see the row as `lookup.NAME`, and its columns as `lookup.NAME.column`'),
  default: z
    .record(z.string(), scalar)
    .optional()
    .describe('row for a key that is not there; without it the message is refused'),
})

const shapes = {
  drop_if: expression.describe('JSONata; only exactly true drops'),
  match: z
    .array(z.string())
    .min(1)
    .describe(
      'patterns of addresses such as `plant/{line}/#`; the first that fits gives `captures.line` to expressions, and a message that none fits is refused',
    ),
  decode: readFormat.describe('reads the body, which becomes a map, a list or text'),
  validate: validate.describe('refuses bodies that do not fit a JSON Schema'),
  lookup: lookup.describe('gives a row of a table to the expressions of the rules that follow'),
  set: set.describe('values may hold ${expressions}'),
  rename: z
    .record(z.string(), z.string())
    .describe(
      'new names by old ones: `headers.old: headers.new`, also from and to `properties.…`, `address` and `body.…`; one `*` stands for anything and comes again in the new name',
    ),
  drop: z
    .array(z.string())
    .min(1)
    .describe('what to leave out: `headers.x-*`, `properties.reply_to`, `body.secret`'),
  cast: cast.describe('gives headers their types; one that does not fit refuses the message'),
  transform: expression.describe('JSONata; what it gives is the new body'),
  encode: writtenFormat.describe('writes the body as text or bytes'),
  route: route.describe('sets the address by conditions'),
}

/** One rule: exactly one of the keys. */
export const rule = z
  .strictObject(shapes)
  .partial()
  .check(({ value, issues }) => {
    const keys = Object.entries(value).flatMap(([key, written]) => (written === undefined ? [] : [key]))
    // An unknown key is said already.
    if (keys.length === 1 || issues.length > 0) return
    const message =
      keys.length === 0
        ? `an entry of a mapping has one rule, and this one has none; there are ${Object.keys(shapes).join(', ')}`
        : `an entry of a mapping has one rule, and this one has ${keys.join(', ')}: write an entry for each`
    issues.push({ code: 'custom', input: value, path: [], message })
  })
  .meta({ minProperties: 1, maxProperties: 1 })

export const mapping = z.array(rule).default([])
