import { z } from 'zod'
import { duration, secret } from '../adapters/shared/options.ts'
import { buffer, bufferKeys } from './buffer-schema.ts'
import { forEach } from './for-each.ts'
import { mapping } from './mapping-schema.ts'
import { tests } from './tests-schema.ts'

/** The configuration as far as it knows no protocol; what a protocol adds is in its adapter's `options.ts`. */

const name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, {
  error: 'expected a name of letters, digits, "_", "-" and "."',
})

// Keys without defaults, as a route may write them, and with defaults, as `defaults:` has them.

/** `source` and `dead_letter` name the other links of a route, in metrics and log. */
const targetName = name.refine(n => n !== 'source' && n !== 'dead_letter', {
  error: 'expected another name: source and dead_letter are links of the route itself',
})

const retryKeys = {
  initial: duration.describe('ceiling of the first wait; each next one doubles, with full jitter'),
  max: duration.describe('ceiling of every wait'),
  max_attempts: z.int().min(1).describe('tries of a message that fails in a way nobody knows'),
}
const retry = z.strictObject({
  initial: retryKeys.initial.prefault('200ms'),
  max: retryKeys.max.prefault('30s'),
  max_attempts: retryKeys.max_attempts.default(5),
})

const breakerKeys = {
  failure_rate: z.number().gt(0).lte(1).describe('share of failed calls that opens the breaker'),
  minimum_calls: z.int().min(1).describe('calls in the window before it may open'),
  window: duration.describe('time over which calls are counted'),
  open_for: duration.describe(
    'time until one probe is let through; up to half of it is added, so that routes do not come back in step',
  ),
}
const breaker = z.strictObject({
  failure_rate: breakerKeys.failure_rate.default(0.5),
  minimum_calls: breakerKeys.minimum_calls.default(10),
  window: breakerKeys.window.prefault('10s'),
  open_for: breakerKeys.open_for.prefault('30s'),
})

const pauseKeys = {
  share: z
    .number()
    .gt(0)
    .lte(1)
    .describe('share of dead letters among the last messages that holds the route'),
  of_last: z.int().min(1).max(100_000).describe('messages that the share is taken of'),
  at_least: z.int().min(1).describe('dead letters among them before the route is held'),
}
const deadLetterPause = z.strictObject({
  share: pauseKeys.share.default(0.2),
  of_last: pauseKeys.of_last.default(100),
  at_least: pauseKeys.at_least.default(20),
})

const maxRate = z.number().gt(0).optional().describe('messages a second that each target gets at most')

const expired = z
  .enum(['drop', 'dead_letter'])
  .optional()
  .describe(
    'what becomes of a message whose `expires_at` has passed; `drop` unless the route has `request` or `reply`',
  )

/** An end of a route: a connection and, beside it, keys of that connection's protocol. */
const endpoint = z.looseObject({ connection: z.string().describe('name of a connection') })

const target = endpoint.extend({
  mapping: mapping.describe('rules for this target alone, after those of the route'),
  allow: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'patterns of the places that `${…}` may come to, `*` stands for anything; needed where nothing but an expression names the place',
    ),
})

const deadLetter = z
  .array(z.union([endpoint, z.strictObject({ broker: z.literal(true) }), z.record(z.string(), z.unknown())]))
  .min(1, { error: 'expected at least one place for dead letters' })
  .describe('places for messages that cannot be carried, tried in this order')

const request = z.strictObject({
  reply_to: z
    .string()
    .min(1)
    .describe(
      'where the answering side sends replies, as it needs it: what a route with `reply: true` reads',
    ),
  timeout: duration.prefault('30s').describe('how long a requester waits; an earlier expiry binds as well'),
})

const route = z.strictObject({
  for_each: forEach
    .optional()
    .describe(
      'makes a route for each item; `${item}`, or `${item.key}` of a map, stands for it in the name and in all texts',
    ),
  from: endpoint.describe('where messages come from'),
  mapping: mapping.describe('rules, applied in this order'),
  targets: z
    .record(targetName, target)
    .refine(targets => Object.keys(targets).length > 0, { error: 'expected at least one target' })
    .describe('where messages go, by a name that metrics and dead letters use'),
  ordering: z
    .enum(['none', 'by_group', 'strict'])
    .optional()
    .describe(
      'what arrives in its order: nothing, the messages of each `group_id`, or all; `by_group` where a target is a FIFO one',
    ),
  on_refused: z
    .enum(['continue', 'hold_group'])
    .default('continue')
    .describe('what becomes of the messages behind one that is refused, where there is an order'),
  request: request
    .optional()
    .describe('messages with a reply-to are requests, and the other side can answer them'),
  reply: z
    .literal(true)
    .optional()
    .describe('messages are replies: `address` is where the requester waits, from the token that they echo'),
  max_hops: z
    .int()
    .min(1)
    .max(100)
    .default(16)
    .describe('routes that a message may have passed before this one'),
  loop: z
    .enum(['dead_letter', 'drop'])
    .default('dead_letter')
    .describe('what becomes of a message that comes back to this route; `drop` is for mirrors'),
  buffer: z.strictObject(bufferKeys).partial().optional(),
  retry: z.strictObject(retryKeys).partial().optional(),
  breaker: z.strictObject(breakerKeys).partial().optional(),
  max_rate: maxRate,
  expired,
  dead_letter: deadLetter.optional(),
  dead_letter_pause: z.strictObject(pauseKeys).partial().optional(),
})

const longSecret = secret.refine(s => s.reveal().length >= 16, {
  error: 'too short: a secret has at least 16 characters',
})

const admin = z.strictObject({
  host: z.string().default('127.0.0.1').describe('address to listen on'),
  port: z.int().min(0).max(65_535).default(9464).describe('port; 0 takes a free one'),
  token: longSecret
    .optional()
    .describe(
      'what `Authorization: Bearer TOKEN` must say for whatever changes something (`POST /routes/NAME/resume`); without it nothing can be changed there',
    ),
})

/** The id stands before the first dot of a token (route/reply/token.ts). */
const signingKey = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,16}$/, {
    error: 'expected 1 to 16 letters, digits, "_" and "-"',
  }),
  secret: longSecret,
})

const requestReply = z.strictObject({
  keys: z
    .array(signingKey)
    .min(1)
    .max(2)
    .refine(keys => new Set(keys.map(k => k.id)).size === keys.length, { error: 'expected two ids' })
    .describe(
      'keys of the tokens that lead replies back: the first signs, both are believed, as a rotation needs it',
    ),
  reply_to_allow: z
    .array(z.string().min(1))
    .min(1)
    .describe('patterns of the addresses that replies may go to, `*` stands for anything'),
})

const commonKeys = (where: string) =>
  z
    .record(name, z.record(z.string(), z.unknown()))
    .optional()
    .describe(`by connection: keys that ${where} on it has unless it writes them itself`)

/** The whole file. `parse` gives the parts without a protocol their defaults. */
export const fileSchema = z.strictObject({
  defaults: z
    .strictObject({
      retry: retry.prefault({}).describe('waiting between tries'),
      breaker: breaker.prefault({}).describe('circuit breaker of each target'),
      buffer: buffer.prefault({}).describe('bounds of what a route holds'),
      max_rate: maxRate,
      expired,
      dead_letter: deadLetter.optional(),
      dead_letter_pause: deadLetterPause
        .prefault({})
        .describe(
          'holds a route that dead-letters too much, until it is told to go on; routes with `reply` are never held',
        ),
      mapping: mapping.describe('rules that come before those of each route'),
      from: commonKeys('the `from` of each route'),
      targets: commonKeys('each target'),
    })
    .prefault({})
    .describe('what routes have unless they say otherwise'),
  connections: z
    .record(name, z.looseObject({ protocol: z.string() }))
    .describe('brokers and clouds, by name'),
  include: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'files with more `connections`, `routes` and `tests`, as patterns relative to this file: `routes/*.yaml`',
    ),
  routes: z.record(name, route).describe('routes, by name'),
  tests: tests
    .optional()
    .describe('messages, and what becomes of them: `sluice test` runs these (docs/mapping.md)'),
  id: name
    .default('sluice')
    .describe(
      'name of this bridge in the trail of messages; bridges that feed each other need different ones',
    ),
  request_reply: requestReply.optional().describe('what routes with `request` or `reply` have in common'),
  admin: admin
    .prefault({})
    .describe('the HTTP server of /metrics, /healthz, /readyz and what an operator can do'),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('what is logged'),
  stop_timeout: duration
    .prefault('25s')
    .describe('time to finish what is in flight when the process is told to stop'),
})

export type File = z.output<typeof fileSchema>
export type RouteInFile = File['routes'][string]
