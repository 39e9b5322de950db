import type { Message, Properties } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import { addressOf } from '../address.ts'
import { compileTemplate, constantOf, type Template } from '../expression/template.ts'
import { Mistakes } from '../mistakes.ts'
import { addressedTo, after, type Mapped, type Step } from '../step.ts'
import { withNewBody } from './new-body.ts'
import { durationOf, properties as known, type Property } from './properties.ts'

type Scalar = string | number | boolean

/** The properties that `set` can set, by their keys. */
const settable = {
  group_id: known.group_id,
  deduplication_id: known.deduplication_id,
  correlation_id: known.correlation_id,
  reply_to: known.reply_to,
  content_type: known.content_type,
  subject: known.subject,
  priority: known.priority,
  delay: known.delay,
  expires_in: { name: 'expiresAt', of: (value: Value) => Date.now() + durationOf(value) },
} as const satisfies Record<string, Property>

export type SetRule = {
  readonly headers?: Readonly<Record<string, Scalar>> | undefined
  readonly address?: Scalar | undefined
  readonly body?: Scalar | undefined
} & { readonly [K in keyof typeof settable]?: Scalar | undefined }

/** What a value is set to: it writes into a draft of the message. */
interface Setting {
  readonly template: Template
  readonly write: (draft: Draft, value: Value) => void
}

interface Draft {
  readonly headers: Record<string, Value>
  readonly properties: Record<string, unknown>
  address?: string
  body?: Value
}

/** Every value is made from the message as it was before the rule. */
export function set(rule: SetRule): Step {
  const settings = compileSettings(rule)
  return message => {
    const draft: Draft = { headers: { ...message.headers }, properties: { ...message.properties } }
    return after(write(settings, 0, message, draft), () => finished(message, draft))
  }
}

function compileSettings({ headers = {}, address, body, ...properties }: SetRule): readonly Setting[] {
  const mistakes = new Mistakes()
  const settings: Setting[] = []
  const add = (path: readonly string[], written: Scalar | undefined, write: Setting['write']) => {
    if (written === undefined) return
    const template = mistakes.at(path, () => {
      const constant = constantOf(written)
      // What refuses every message is a mistake.
      if (constant) write({ headers: {}, properties: {} }, constant)
      return compileTemplate(written)
    })
    settings.push({ template, write })
  }
  for (const [name, written] of Object.entries(headers)) {
    add(['headers', name], written, (draft, value) => {
      draft.headers[name] = value
    })
  }
  add(['address'], address, (draft, value) => {
    draft.address = addressOf(value)
  })
  add(['body'], body, (draft, value) => {
    draft.body = value
  })
  for (const [key, { name, of }] of Object.entries<Property>(settable)) {
    add([key], properties[key as keyof typeof settable], (draft, value) => {
      draft.properties[name] = of(value)
    })
  }
  mistakes.raise()
  return settings
}

/** From the setting at `from` on; a promise only from the first template on that is one. */
function write(
  settings: readonly Setting[],
  from: number,
  message: Mapped,
  draft: Draft,
): void | Promise<void> {
  for (let i = from; i < settings.length; i++) {
    const setting = settings[i]!
    const value = setting.template(message)
    if (value instanceof Promise) {
      return value.then(made => {
        setting.write(draft, made)
        return write(settings, i + 1, message, draft)
      })
    }
    setting.write(draft, value)
  }
}

function finished(message: Mapped, { headers, properties, address, body }: Draft): Message {
  const made: Mapped = { ...message, headers, properties: properties as Properties }
  const moved = address === undefined ? made : addressedTo(made, address)
  return body === undefined ? moved : withNewBody(moved, body)
}
