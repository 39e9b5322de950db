import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'
import type { Restored } from '../carriage/restore.ts'
import { type Binding, binaryMessage, prefix, prefixIn, readBinary, textBody } from './binary.ts'
import { type CloudEvent, isTrace, malformed } from './event.ts'
import { type Made, made } from './made.ts'
import type { EventsOptions } from './options.ts'
import {
  jsonOf,
  plainCharacters,
  readStructured,
  saysStructured,
  structuredJson,
  structuredType,
} from './structured.ts'

/**
 * CloudEvents 1.0 as functions from message to message, before a sink encodes and after a source has decoded. What is an event
 * already is known by its content type (structured) or by a header `specversion` with or without a prefix (binary).
 */

/** A message as the options of a sink ask for it. A binding without a prefix for attributes has structured events only. */
export function formatted(
  message: Message,
  { route, options }: { readonly route: string; readonly options: SinkFormat },
  binding: StructuredBinding | Binding,
): Message {
  if (options.format !== 'cloudevents') return message
  const { mode, ...given } = options.cloudevents ?? {}
  const how = { route, ...given }
  return mode === 'binary' && 'prefix' in binding
    ? asBinary(message, how, binding)
    : asStructured(message, how, binding)
}

export interface SinkFormat {
  readonly format: string
  readonly cloudevents?: EventsOptions | undefined
}

export type StructuredBinding = Pick<Binding, 'body'>

/** The message as a structured event: its body is the JSON, and headers that are no part of the event stand beside it. */
function asStructured(message: Message, options: Made, binding: StructuredBinding): Message {
  const { properties } = message
  if (saysStructured(properties.contentType)) {
    readStructured(message)
    return { ...message, body: textBody(plainCharacters(jsonOf(message.body)), binding) }
  }
  checkEncoding(properties.contentEncoding)
  const event = binaryEvent(message) ?? made(message, options)
  return {
    ...message,
    body: textBody(structuredJson(event), binding),
    properties: { ...properties, contentType: structuredType },
    headers: event.beside,
  }
}

/** The message as a binary event: headers are its attributes, and the body is its data. */
function asBinary(message: Message, options: Made, binding: Binding): Message {
  const event = saysStructured(message.properties.contentType)
    ? withoutCopies(readStructured(message))
    : (binaryEvent(message) ?? made(message, options))
  return binaryMessage(message, event, binding)
}

/** Some write it of any text in UTF-8 (Spring AMQP), and JSON is that too. */
function checkEncoding(contentEncoding: string | undefined): void {
  if (contentEncoding === undefined || /^(utf-?8|identity|)$/i.test(contentEncoding)) return
  throw new MessageRefused(
    `the body has the content encoding ${contentEncoding}, which a structured CloudEvent has no place for`,
  )
}

function binaryEvent(message: Message): CloudEvent | undefined {
  const before = prefixIn(message.headers)
  return before === undefined ? undefined : readBinary(message, before)
}

/** A structured message may have the attributes as headers as well (bindings, 3.2.3). */
function withoutCopies(event: CloudEvent): CloudEvent {
  const copied = prefixIn(event.beside)
  if (copied === undefined) return event
  const beside = Object.entries(event.beside).filter(([header]) => {
    const name = header.startsWith(copied) && !isTrace(header) ? header.slice(copied.length) : ''
    return name !== 'datacontenttype' && !event.attributes.has(name)
  })
  return { ...event, beside: Object.fromEntries(beside) }
}

/**
 * The message that a source has read as an event, taken apart: its attributes are headers `cloudEvents_<attribute>`, its body the data.
 * A sink makes the same event of it again. With `implied`, a body is JSON of an event though nothing says so.
 * What is no event has a fault.
 */
export function takenApart(read: Restored, implied: boolean): Restored {
  if (read.fault) return read
  try {
    return { message: apart(read.message, implied) }
  } catch (error) {
    if (!(error instanceof MessageRefused)) throw error
    return { message: read.message, fault: error }
  }
}

function apart(message: Message, implied: boolean): Message {
  const event = eventIn(message, implied)
  const { contentType: _, ...properties } = message.properties
  const type = event.attributes.get('type')
  const written = binaryMessage({ ...message, properties }, event, { prefix, body: 'kept' })
  if (properties.subject !== undefined || type?.type !== 'string') return written
  return { ...written, properties: { ...written.properties, subject: type.value } }
}

function eventIn(message: Message, implied: boolean): CloudEvent {
  if (saysStructured(message.properties.contentType)) return withoutCopies(readStructured(message))
  const binary = binaryEvent(message)
  if (binary) return binary
  if (implied) {
    const { contentType: _, ...properties } = message.properties
    return readStructured({ ...message, properties })
  }
  throw malformed(`it has neither the content type ${structuredType} nor a header specversion`)
}
