import type { Endpoint, Limits, Shown, ShownField } from '../../core/adapter.ts'
import type { Body } from '../../core/message.ts'
import { valueOfBody } from '../../core/structured-body.ts'
import type { Value } from '../../core/value.ts'
import { shownBody, shownText } from '../shared/shown.ts'
import type { MemoryPrepared } from './codec.ts'
import type { MemoryConnection, MemorySinkOptions } from './options.ts'

type At = Endpoint<MemoryConnection, MemorySinkOptions>

export const usualLimits = ({ options }: At): Limits => ({ maxMessageSize: options.max_message_size })

/** The message itself: its properties by their names, its headers by theirs, with the types that they have here. */
export function show({ options }: At, { message }: MemoryPrepared): Shown {
  const { body, fields } = bodyOf(message.body)
  const properties = Object.entries(message.properties).map(([name, value]): ShownField => {
    const isValue = typeof value === 'object'
    return {
      section: 'properties',
      name,
      ...(isValue && { type: (value as Value).type }),
      value: isValue ? shownText(value as Value) : String(value),
    }
  })
  const headers = Object.entries(message.headers).map(([name, value]) => ({
    section: 'headers',
    name,
    type: value.type,
    value: shownText(value),
  }))
  return { address: options.queue, body, fields: [...properties, ...headers, ...fields] }
}

function bodyOf(body: Body): Pick<Shown, 'body' | 'fields'> {
  switch (body.kind) {
    case 'none':
      return { body: '', fields: [] }
    case 'text':
      return { body: body.text, fields: [] }
    case 'bytes':
    case 'object':
      return { body: body.bytes, fields: [] }
    case 'map':
    case 'list':
      return shownBody(valueOfBody(body), type => type)
  }
}
