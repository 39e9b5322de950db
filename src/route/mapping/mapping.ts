import { MessageRefused } from '../../core/errors.ts'
import type { Message, Properties } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import type { Value } from '../../core/value.ts'
import { compileExpression } from './expression.ts'
import { toText } from './plain.ts'
import { compileTemplate } from './template.ts'

type Scalar = string | number | boolean

/** What `set` can set beside headers: the key in the configuration, the property, and whether it keeps its type. */
export const settable = {
  group_id: 'groupId',
  deduplication_id: 'deduplicationId',
  correlation_id: 'correlationId',
  reply_to: 'replyTo',
  content_type: 'contentType',
  subject: 'subject',
} as const satisfies Record<string, keyof Properties>

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
  if (!isTemplate(written)) return message => ({ ...message, address: written })
  const template = compileTemplate(written)
  return async message => {
    const address = toText(await template(message))
    if (address === '') throw new MessageRefused(`the address ${written} comes to nothing for this message`)
    return { ...message, address }
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
  const properties = Object.entries(settable).flatMap(([key, property]) => {
    const written = rule[key as keyof typeof settable]
    return written === undefined ? [] : [[property, compileTemplate(written)] as const]
  })
  return async message => {
    const newHeaders: [string, Value][] = []
    for (const [header, template] of headers) newHeaders.push([header, await template(message)])
    const newProperties: Record<string, Value | string> = {}
    for (const [property, template] of properties) {
      const value = await template(message)
      newProperties[property] = property === 'correlationId' ? value : toText(value)
    }
    return {
      ...message,
      headers: Object.fromEntries([...Object.entries(message.headers), ...newHeaders]),
      properties: { ...message.properties, ...newProperties },
    }
  }
}
