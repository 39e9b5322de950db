import { z } from 'zod'
import { duration } from '../adapters/shared/options.ts'

/** `tests:` of a file, and messages as people write them, there and in the files that `sluice explain` reads. */

/** Text, a number, true, false, null, a list, or one type with its value: `{ int64: "5" }`. Checked when it is read. */
const value = z.unknown()

const body = z.union(
  [
    z.string(),
    z.strictObject({ json: z.unknown() }),
    z.strictObject({ base64: z.string() }),
    z.strictObject({ java_object: z.string() }),
    z.strictObject({ map: z.record(z.string(), value) }),
    z.strictObject({ list: z.array(value) }),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ text_file: z.string().min(1) }),
  ],
  {
    error:
      'expected a text, or one of { json: … }, { base64: … }, { map: … }, { list: … }, { file: … }, { text_file: … } and { java_object: … }',
  },
)

const time = z.union([z.iso.datetime({ offset: true }), z.int()], {
  error: 'expected a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970',
})

const properties = z
  .strictObject({
    message_id: value,
    correlation_id: value,
    user_id: value,
    reply_to: z.string(),
    content_type: z.string(),
    content_encoding: z.string(),
    subject: z.string(),
    group_id: z.string(),
    app_id: z.string(),
    trail: z.string(),
    deduplication_id: z.string(),
    group_sequence: z.int().min(0),
    priority: z.int().min(0).max(255),
    durable: z.boolean(),
    retained: z.boolean(),
    expires_at: time,
    created_at: time,
    delay: duration,
  })
  .partial()

export const messageSchema = z.strictObject({
  address: z
    .string()
    .min(1)
    .optional()
    .describe('where it came from; without it the queue or topic that the route reads'),
  body: body
    .optional()
    .describe(
      'text, or one of json (written as text), base64 (bytes), map, list, file (its bytes), text_file and java_object (base64)',
    ),
  headers: z
    .record(z.string(), value)
    .optional()
    .describe('plain values, or one type with its value: `{ int64: "5" }`'),
  properties: properties.optional().describe('in the words of expressions: `message_id`, `reply_to`, …'),
  annotations: z.record(z.string(), value).optional().describe('what the broker wrote beside the headers'),
  received_at: time
    .optional()
    .describe('what the clock says, which stands still; 2026-01-01T00:00:00Z unless given'),
})

const scalar = z.union([z.string(), z.number(), z.boolean()])
const field = z.union(
  [scalar, z.array(scalar), z.strictObject({ type: z.string(), value: scalar.optional() })],
  { error: 'expected a value, a list of values, or { type: …, value: … }' },
)

const expected = z
  .strictObject({
    address: z.string().optional().describe('where it goes, as the protocol names it'),
    body: z.string().optional().describe('the body as text, exactly'),
    body_json: z.unknown().optional().describe('the body as JSON, whatever the order of keys'),
    body_base64: z.string().optional().describe('the bytes of the body, exactly'),
    fields: z
      .record(z.string(), field)
      .optional()
      .describe('what stands beside the body, by name or `section/name`; other fields may be there too'),
    only_fields: z.literal(true).optional().describe('there are no fields but those'),
    no_fields: z
      .array(z.string())
      .optional()
      .describe('names of fields that are not there; `*` for anything'),
    dropped: z.literal(true).optional().describe('a rule drops the message'),
    refused: z
      .string()
      .optional()
      .describe('the message is dead-lettered, and this regular expression matches the reason'),
  })
  .refine(e => Object.values(e).some(v => v !== undefined), { error: 'expected something to be true of it' })
  .refine(e => !(e.dropped || e.refused !== undefined) || Object.keys(e).length === 1, {
    error: 'a message that is dropped or refused has nothing else to expect',
  })
  .refine(e => e.refused === undefined || isPattern(e.refused), {
    error: 'expected a regular expression',
    path: ['refused'],
  })

export const tests = z.array(
  z.strictObject({
    name: z.string().min(1).describe('what is tested'),
    route: z.string().describe('name of the route that the message comes to'),
    message: messageSchema.describe('the message as the source delivers it'),
    expect: z
      .record(z.string(), expected)
      .refine(e => Object.keys(e).length > 0, { error: 'expected at least one target' })
      .describe('what becomes of it, by target'),
  }),
)

function isPattern(written: string): boolean {
  try {
    new RegExp(written)
    return true
  } catch {
    return false
  }
}

export type WrittenMessage = z.output<typeof messageSchema>
export type Expected = z.output<typeof expected>
export type WrittenTest = z.output<typeof tests>[number]
