import { MessageRefused } from '../../core/errors.ts'
import type { Message, Properties } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import { parseDuration } from '../../core/units.ts'
import type { Value } from '../../core/value.ts'
import { compileExpression } from './expression.ts'
import { toText } from './plain.ts'
import { compileTemplate } from './template.ts'

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

/** One rule of `mapping:`; exactly one key. */
export type Rule = { readonly drop_if: string } | { readonly set: SetRule }

/** The message as it goes on, or undefined when a rule dropped it. Throws MessageRefused. */
export type Mapping = (message: Message) => Message | undefined | Promise<Message | undefined>

/** Compiles the rules of a route; they are applied in order. Throws on an expression that is not well-formed. */
export function compileMapping(rules: readonly Rule[]): Mapping {
  if (rules.length === 0) return message => message
  const steps = rules.map(rule => ('drop_if' in rule ? dropIf(rule.drop_if) : set(rule.set)))
  return async message => {
    let mapped: Message | undefined = message
    for (const step of steps) {
      mapped = await step(mapped)
      if (!mapped) return undefined
    }
    return mapped
  }
}

/**
 * Compiles where messages go: the message with that address. What is written may be a template; one whose result is empty
 * refuses the message. Throws on an expression that is not well-formed.
 */
export function compileAddress(written: string): (message: Message) => Message | Promise<Message> {
  if (!isTemplate(written)) return message => ({ ...message, address: written, origin: message.address })
  const template = compileTemplate(written)
  return async message => {
    const address = toText(await template(message))
    if (address === '') throw new MessageRefused(`the address ${written} comes to nothing for this message`)
    return { ...message, address, origin: message.address }
  }
}

/** Only exactly true drops: a condition of another type is a mistake, and a mistake must not lose a message. */
function dropIf(condition: string): Mapping {
  const expression = compileExpression(condition)
  return async message => {
    const value = await expression(message)
    if (value?.type === 'bool') return value.value ? undefined : message
    throw new MessageRefused(
      `drop_if: "${condition}" is ${value ? `a ${value.type}` : 'nothing'} for this message, not true or false`,
    )
  }
}

function set(rule: SetRule): Mapping {
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
