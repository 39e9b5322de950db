import type { Body } from '../../../core/message.ts'
import { bodyOfValue } from '../../../core/structured-body.ts'
import type { Value } from '../../../core/value.ts'
import { toText } from '../expression/plain.ts'
import type { Mapped } from '../step.ts'

/** The message with this value as its body: maps, lists and bytes as such, all else as text. What was said of a compressed body goes. */
export function withNewBody(message: Mapped, value: Value): Mapped {
  const { contentEncoding: _, ...properties } = message.properties
  return { ...message, body: bodyOf(value), properties }
}

function bodyOf(value: Value): Body {
  switch (value.type) {
    case 'map':
    case 'list':
      return bodyOfValue(value)
    case 'bytes':
      return { kind: 'bytes', bytes: value.value }
    default:
      return { kind: 'text', text: toText(value) }
  }
}
