import { isUtf8 } from 'node:buffer'
import { toError } from '../../../core/errors.ts'
import { escapedWhere } from '../../../core/json/escape.ts'
import { quote } from '../../../core/json/typed-json.ts'
import type { Message } from '../../../core/message.ts'
import {
  type Attribute,
  type CloudEvent,
  checked,
  type Data,
  integerIn,
  isJson,
  isName,
  malformed,
  mediaType,
  textOf,
  utf8Of,
} from './event.ts'
import { membersOf } from './members.ts'

/** Events as JSON (JSON event format 1.0.2). Data that is JSON stands in it, and comes out of it, as the text that it was. */

/** What is after `application/cloudevents` says which format it is; this one is read. */
export const structuredType = 'application/cloudevents+json'

/** Does the content type say that the body is an event, with its attributes, in whichever format? */
export const saysStructured = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/cloudevents/i.test(contentType)

/** The JSON text of an event. */
export function structuredJson({ attributes, contentType, body }: CloudEvent): string {
  const members = Array.from(attributes, ([name, attribute]) => `"${name}":${attributeJson(attribute)}`)
  // Text without a type would be read as JSON that is a string.
  const type = contentType ?? (body.kind === 'text' ? 'text/plain' : undefined)
  if (type !== undefined) members.push(`"datacontenttype":${quote(type)}`)
  const data = dataMember(body, type)
  if (data !== undefined) members.push(data)
  return `{${members.join(',')}}`
}

const attributeJson = (attribute: Attribute): string =>
  attribute.type === 'bool' || attribute.type === 'int64' ? String(attribute.value) : quote(textOf(attribute))

function dataMember(body: Data, contentType: string | undefined): string | undefined {
  if (body.kind === 'none') return undefined
  const text = body.kind === 'text' ? body.text : declaredText(body.bytes, contentType)
  if (text === undefined) return body.kind === 'bytes' ? base64Member(body.bytes) : undefined
  if (!isJson(contentType)) return `"data":${quote(text)}`
  // What only claims to be JSON is kept as its bytes.
  return isJsonText(text) ? `"data":${plainCharacters(text)}` : base64Member(utf8Of(text))
}

const base64Member = (bytes: Uint8Array): string =>
  `"data_base64":"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`

/** The text of bytes whose content type says that they are text in UTF-8, where they are. */
function declaredText(bytes: Uint8Array, contentType: string | undefined): string | undefined {
  if (contentType === undefined || !isUtf8(bytes)) return undefined
  const isText = isJson(contentType) || /^text\/|[/+]xml$/.test(mediaType(contentType))
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? 'utf-8'
  return isText && /^(utf-?8|us-ascii)$/i.test(charset) ? Buffer.from(bytes).toString() : undefined
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** JSON without the characters that some protocol refuses. They stand in its strings only, where they can be escaped. */
export const plainCharacters = (json: string): string =>
  escapedWhere(json, /[\x7f-\x9f\p{Cs}\p{Noncharacter_Code_Point}]/gu)

/** The event that a body is. Throws MessageRefused for what is none. */
export function readStructured(message: Message): CloudEvent {
  const { body, properties, headers } = message
  const { contentType = structuredType } = properties
  if (saysStructured(contentType) && mediaType(contentType) !== structuredType) {
    throw malformed(`its format is ${mediaType(contentType)}, and ${structuredType} is what is read here`)
  }
  const members = new Map(parsed(jsonOf(body)))
  const said = members.get('datacontenttype')
  const data = take(members, 'data')
  const base64 = take(members, 'data_base64')
  members.delete('datacontenttype')
  const attributes = new Map<string, Attribute>()
  for (const [name, json] of members) {
    if (!isName(name))
      throw malformed(`${JSON.stringify(name)} is no name of an attribute, which has a-z and 0-9 only`)
    if (json !== 'null') attributes.set(name, attributeIn(name, json))
  }
  const declared = said === undefined || said === 'null' ? undefined : attributeIn('datacontenttype', said)
  const type = declared && textOf(declared)
  return { attributes: checked(attributes), ...dataOf(data, base64, type), beside: headers }
}

function take(members: Map<string, string>, name: string): string | undefined {
  const json = members.get(name)
  members.delete(name)
  return json
}

export function jsonOf(body: Message['body']): string {
  if (body.kind === 'text') return body.text
  if (body.kind !== 'bytes') throw malformed(`its body is of kind ${body.kind}, and should be JSON`)
  if (!isUtf8(body.bytes)) throw malformed('its body is no UTF-8')
  return Buffer.from(body.bytes).toString()
}

function parsed(json: string): ReadonlyMap<string, string> {
  try {
    return membersOf(json)
  } catch (cause) {
    throw malformed(`its body is no JSON object with members of different names (${toError(cause).message})`)
  }
}

function attributeIn(name: string, json: string): Attribute {
  if (json.startsWith('"')) return { type: 'string', value: JSON.parse(json) }
  if (json === 'true' || json === 'false') return { type: 'bool', value: json === 'true' }
  const integer = integerIn(json)
  if (integer) return integer
  throw malformed(
    `its ${name} is ${json.slice(0, 40)}, and attributes are texts, whole numbers, true and false`,
  )
}

/** JSON event format, 3.1.2. */
function dataOf(
  data: string | undefined,
  base64: string | undefined,
  contentType: string | undefined,
): { readonly body: Data; readonly contentType: string | undefined } {
  const isBytes = base64 !== undefined && base64 !== 'null'
  if (data === undefined || (isBytes && data === 'null')) {
    return { contentType, body: isBytes ? { kind: 'bytes', bytes: bytesOf(base64) } : { kind: 'none' } }
  }
  if (isBytes) throw malformed('it has both data and data_base64')
  const type = contentType ?? 'application/json'
  if (isJson(type)) return { contentType: type, body: { kind: 'text', text: data } }
  if (data === 'null') return { contentType: type, body: { kind: 'none' } }
  if (!data.startsWith('"')) throw malformed(`its data is ${type}, and is no text`)
  return { contentType: type, body: { kind: 'text', text: JSON.parse(data) } }
}

function bytesOf(json: string): Uint8Array {
  const text: unknown = JSON.parse(json)
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : undefined
  if (bytes === undefined || bytes.toString('base64') !== text)
    throw malformed('its data_base64 is no base64')
  return bytes
}
