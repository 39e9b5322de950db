import { MessageRefused } from '../../../core/errors.ts'
import type { Properties } from '../../../core/message.ts'
import { parseDuration } from '../../../core/units.ts'
import type { Value } from '../../../core/value.ts'
import { toText } from '../expression/plain.ts'
import { compileTemplate } from '../expression/template.ts'
import type { Step } from '../step.ts'

type Scalar = string | number | boolean

/** What `set` can set beside headers: the key in the configuration, the property, and what its value becomes. */
const settable = {
  group_id: ['groupId', toText],
  deduplication_id: ['deduplicationId', toText],
  correlation_id: ['correlationId', (value: Value) => value],
  reply_to: ['replyTo', toText],
  content_type: ['contentType', toText],
  subject: ['subject', toText],
  priority: ['priority', priorityOf],
  delay: ['delay', durationOf],
  expires_in: ['expiresAt', (value: Value) => Date.now() + durationOf(value)],
} as const satisfies Record<string, readonly [keyof Properties, (value: Value) => unknown]>

export type SetRule = {
  readonly headers?: Readonly<Record<string, Scalar>> | undefined
} & { readonly [K in keyof typeof settable]?: Scalar | undefined }

export function set(rule: SetRule): Step {
  const headers = Object.entries(rule.headers ?? {}).map(([k, v]) => [k, compileTemplate(v)] as const)
  const properties = Object.entries(settable).flatMap(([key, [property, convert]]) => {
    const written = rule[key as keyof typeof settable]
    return written === undefined ? [] : [[property, compileTemplate(written), convert] as const]
  })
  return async message => {
    const newHeaders: [string, Value][] = []
    for (const [header, template] of headers) newHeaders.push([header, await template(message)])
    const newProperties: Record<string, unknown> = {}
    for (const [property, template, convert] of properties) {
      newProperties[property] = convert(await template(message))
    }
    return {
      ...message,
      headers: Object.fromEntries([...Object.entries(message.headers), ...newHeaders]),
      properties: { ...message.properties, ...newProperties },
    }
  }
}

function priorityOf(value: Value): number {
  const priority = Number(toText(value))
  if (Number.isInteger(priority) && priority >= 0 && priority <= 9) return priority
  throw new MessageRefused(`set: a priority is a whole number from 0 to 9, and here it is ${toText(value)}`)
}

/** A duration as people write it, or a number of milliseconds. */
function durationOf(value: Value): number {
  const written = toText(value)
  const milliseconds = /^\d+(\.\d+)?$/.test(written) ? Math.round(Number(written)) : parseDuration(written)
  if (milliseconds !== undefined && milliseconds <= Number.MAX_SAFE_INTEGER) return milliseconds
  throw new MessageRefused(
    `set: a duration is written 200ms, 30s, 5m or 12h, or is a number of milliseconds, and here it is ${written}`,
  )
}
