import { MessageRefused } from '../../../core/errors.ts'
import { plainJson } from '../../../core/json/typed-json.ts'
import type { Body, Headers, Message } from '../../../core/message.ts'
import { valueOfBody } from '../../../core/structured-body.ts'
import type { Value } from '../../../core/value.ts'
import {
  type Attribute,
  attributeOf,
  type CloudEvent,
  checked,
  type Data,
  isCore,
  isJson,
  isName,
  isTrace,
  malformed,
  textOf,
  utf8Of,
} from './event.ts'

/** Events whose attributes are headers and whose data is the body (binary content mode). */

/** What stands before the names of attributes, as the bindings have it. The first is what is written here. */
const prefixes = ['cloudEvents_', 'cloudEvents:'] as const

/** The prefix where attributes have names that every protocol takes. */
export const [prefix] = prefixes

/** What stands before the names of the attributes of this message, if it is an event: it has a specversion then. */
export const prefixIn = (headers: Headers): string | undefined =>
  [...prefixes, ''].find(p => Object.hasOwn(headers, `${p}specversion`))

/** Throws MessageRefused for an event that lacks what it must have. */
export function readBinary(message: Message, before: string): CloudEvent {
  const { attributes, beside } = attributesIn(message.headers, before)
  return { ...dataOf(message, attributes), attributes: checked(attributes), beside }
}

/** Those headers that are attributes, and the others. Where names have no prefix, those of no type of CloudEvents are others. */
export function attributesIn(
  headers: Headers,
  before: string,
): { readonly attributes: Map<string, Attribute>; readonly beside: Headers } {
  const attributes = new Map<string, Attribute>()
  const beside: [string, Value][] = []
  for (const [header, value] of Object.entries(headers)) {
    const name = header.slice(before.length)
    const attribute = attributeOf(value)
    if (!header.startsWith(before) || !isName(name)) beside.push([header, value])
    else if (attribute) {
      attributes.set(name, attribute)
      if (isTrace(header)) beside.push([header, value])
    } else if (before === '' && !isCore(name)) beside.push([header, value])
    else if (value.type !== 'null')
      throw malformed(`its ${name} is of type ${value.type}, which CloudEvents do not have`)
  }
  return { attributes, beside: Object.fromEntries(beside) }
}

/** The data of an event that this body is; takes `datacontenttype` out of the attributes. A map or list is JSON. */
export function dataOf(
  { body, properties }: Message,
  attributes: Map<string, Attribute>,
): { readonly body: Data; readonly contentType: string | undefined } {
  const contentType = typeIn(attributes, properties.contentType)
  switch (body.kind) {
    case 'object':
      return { body: { kind: 'bytes', bytes: body.bytes }, contentType }
    case 'map':
    case 'list': {
      if (contentType !== undefined && !isJson(contentType)) {
        throw new MessageRefused(
          `the body is a ${body.kind}, which is JSON in a CloudEvent, and its content type is ${contentType}: set content_type in the mapping`,
        )
      }
      return {
        body: { kind: 'text', text: plainJson(valueOfBody(body)) },
        contentType: contentType ?? 'application/json',
      }
    }
    default:
      return { body, contentType }
  }
}

function typeIn(attributes: Map<string, Attribute>, contentType: string | undefined): string | undefined {
  const declared = attributes.get('datacontenttype')
  attributes.delete('datacontenttype')
  const type = declared && textOf(declared)
  if (type === undefined || contentType === undefined || type === contentType) return contentType ?? type
  throw malformed(`it has the content type ${contentType} and the datacontenttype ${type}`)
}

/** How a protocol writes events. */
export interface Binding {
  /** What stands before an attribute's name in a header. */
  readonly prefix: string
  /** What text becomes: bytes where the binding wants them, else text; `kept` is any text, also one that UTF-8 does not have. */
  readonly body: 'text' | 'bytes' | 'kept'
}

/** Throws MessageRefused where a header would be taken for an attribute. */
export function binaryMessage(message: Message, event: CloudEvent, binding: Binding): Message {
  const { attributes, contentType, body, beside } = event
  const headers = new Map<string, Value>()
  for (const [name, attribute] of attributes) headers.set(binding.prefix + name, attribute)
  // As the example of the binding without prefixes has it, and as readers of it look for it.
  if (binding.prefix === '' && contentType !== undefined) {
    headers.set('datacontenttype', { type: 'string', value: contentType })
  }
  for (const [name, value] of Object.entries(beside)) {
    checkBeside(name, value, headers.get(name), binding)
    if (!headers.has(name)) headers.set(name, value)
  }
  const { contentType: _, ...properties } = message.properties
  return {
    ...message,
    body: body.kind === 'text' ? textBody(body.text, binding) : body,
    properties: { ...properties, ...(contentType !== undefined && { contentType }) },
    headers: Object.fromEntries(headers),
  }
}

function checkBeside(name: string, value: Value, same: Value | undefined, binding: Binding): void {
  const isTaken = same !== undefined || (binding.prefix === '' && (isCore(name) || name === 'data'))
  if (!isTaken) return
  const [here, there] = [attributeOf(value), same && attributeOf(same)]
  if (here && there && textOf(here) === textOf(there)) return
  throw new MessageRefused(
    `the header ${name} would be taken for an attribute of the CloudEvent: rename or drop it in the mapping`,
  )
}

export function textBody(text: string, { body }: Pick<Binding, 'body'>): Body {
  if (body === 'kept') return { kind: 'text', text }
  const bytes = utf8Of(text)
  return body === 'bytes' ? { kind: 'bytes', bytes } : { kind: 'text', text }
}
