import { isUtf8 } from 'node:buffer'
import { MessageRefused } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import { plainJson } from './json.ts'
import { forbiddenCharacter } from './text.ts'

/**
 * The body as the text that SQS and SNS carry. Bytes that are UTF-8 are that text; a map or a list becomes JSON as
 * people write it, which does not keep the types. Throws MessageRefused for what cannot be text.
 */
export function bodyText(body: Body, service: string): string {
  const text = textOf(body, service)
  if (text === '') throw new MessageRefused(`the message has no body, and ${service} takes none without`)
  const forbidden = forbiddenCharacter(text)
  if (forbidden === undefined) return text
  throw new MessageRefused(`the body has a character that ${service} does not take: ${forbidden}`)
}

function textOf(body: Body, service: string): string {
  switch (body.kind) {
    case 'none':
      return ''
    case 'text':
      return body.text
    case 'map':
      return plainJson({ type: 'map', value: body.entries })
    case 'list':
      return plainJson({ type: 'list', value: body.items })
    case 'bytes':
    case 'object': {
      const { bytes } = body
      if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
      const what = body.kind === 'object' ? 'a serialised Java object' : 'no UTF-8 text'
      throw new MessageRefused(`the body is ${what}, and ${service} carries text only`)
    }
  }
}
