import { isUtf8 } from 'node:buffer'
import { MessageRefused } from '../../../core/errors.ts'
import { parseTypedJson } from '../../../core/json/parse-typed-json.ts'
import { fromPlainJson, shapeOf, unshapely } from '../../../core/json/shape.ts'
import { plainJson, typedJson } from '../../../core/json/typed-json.ts'
import type { Body } from '../../../core/message.ts'
import {
  bodyOfValue,
  type StructuredBody,
  type StructuredValue,
  valueOfBody,
} from '../../../core/structured-body.ts'
import type { Value } from '../../../core/value.ts'
import type { BodyNote } from './properties.ts'

/**
 * Bodies over protocols that have but one or two kinds of them. What arrives reads naturally (text as text, maps and
 * lists as JSON as people write it), and a note beside it restores the kind and the types.
 */

/**
 * As text, for a protocol whose bodies are text. `takes` says which texts the protocol carries as they are, the empty one
 * among them or not; any other is written in base64, or as a JSON string when it has surrogates that are alone.
 */
export function bodyAsText(
  body: Body,
  takes: (text: string) => boolean,
): { readonly text: string; readonly note: BodyNote } {
  switch (body.kind) {
    case 'none':
      return takes('')
        ? { text: '', note: { body: 'none' } }
        : { text: ' ', note: { body: 'none', encoding: 'empty' } }
    case 'text':
      return ofText(body.text, takes)
    case 'map':
    case 'list':
      return jsonOf(body)
    case 'bytes':
    case 'object': {
      const { kind, bytes } = body
      const text = kind === 'bytes' && isUtf8(bytes) ? bufferOf(bytes).toString() : undefined
      if (text !== undefined && takes(text)) return { text, note: { body: kind } }
      if (bytes.length === 0) return { text: ' ', note: { body: kind, encoding: 'empty' } }
      return { text: bufferOf(bytes).toString('base64'), note: { body: kind, encoding: 'base64' } }
    }
  }
}

function ofText(
  text: string,
  takes: (text: string) => boolean,
): { readonly text: string; readonly note: BodyNote } {
  if (takes(text)) return { text, note: {} }
  if (text === '') return { text: ' ', note: { body: 'text', encoding: 'empty' } }
  if (text.isWellFormed())
    return { text: Buffer.from(text).toString('base64'), note: { body: 'text', encoding: 'base64' } }
  return { text: typedJson({ type: 'string', value: text }), note: { body: 'text', encoding: 'typed' } }
}

/** As bytes, for a protocol whose bodies are bytes. */
export function bodyAsBytes(body: Body): { readonly bytes: Uint8Array; readonly note: BodyNote } {
  switch (body.kind) {
    case 'none':
      return { bytes: Buffer.alloc(0), note: { body: 'none' } }
    case 'bytes':
      return { bytes: body.bytes, note: {} }
    case 'object':
      return { bytes: body.bytes, note: { body: 'object' } }
    case 'text': {
      const { text, note } = ofText(body.text, t => t.isWellFormed())
      return { bytes: Buffer.from(text), note: { body: 'text', ...note } }
    }
    default: {
      const { text, note } = jsonOf(body)
      return { bytes: Buffer.from(text), note }
    }
  }
}

function jsonOf(body: StructuredBody): {
  readonly text: string
  readonly note: BodyNote
} {
  const value = valueOfBody(body)
  const text = plainJson(value)
  const types = shapeOf(value)
  if (types === unshapely) return { text: typedJson(value), note: { body: body.kind, encoding: 'typed' } }
  return { text, note: { body: body.kind, ...(types !== undefined && { types }) } }
}

/**
 * The body that `bodyAsText` or `bodyAsBytes` wrote, from the body as the protocol gives it. Throws MessageRefused when the
 * note does not fit the body, as when somebody on the way has changed one of them.
 */
export function restoredBody(body: Body, note: BodyNote): Body {
  if (note.body === undefined && note.encoding === undefined && note.types === undefined) return body
  try {
    return restoredOf(note.body ?? 'text', asBytes(body), note)
  } catch (cause) {
    throw new MessageRefused(
      `the body is not the ${note.body ?? 'text'} that its sluice_properties say: one of them was changed on the way`,
      { cause },
    )
  }
}

function restoredOf(kind: Body['kind'], written: Buffer, { encoding, types }: BodyNote): Body {
  if (encoding === 'empty' && written.toString() !== ' ') throw new Error('no blank')
  const bytes = encoding === 'empty' ? Buffer.alloc(0) : encoding === 'base64' ? decoded(written) : written
  switch (kind) {
    case 'none':
      if (bytes.length > 0) throw new Error(`${bytes.length} bytes`)
      return { kind }
    case 'bytes':
    case 'object':
      return { kind, bytes }
    case 'text': {
      const text = textOf(bytes)
      return { kind, text: encoding === 'typed' ? stringOf(text) : text }
    }
    default: {
      const text = textOf(bytes)
      return structured(kind, encoding === 'typed' ? parseTypedJson(text) : fromPlainJson(text, types))
    }
  }
}

function asBytes(body: Body): Buffer {
  switch (body.kind) {
    case 'none':
      return Buffer.alloc(0)
    case 'text':
      return Buffer.from(body.text)
    case 'bytes':
    case 'object':
      return bufferOf(body.bytes)
    default:
      throw new Error(`a ${body.kind}`)
  }
}

function decoded(base64: Buffer): Buffer {
  const written = base64.toString('latin1')
  const bytes = Buffer.from(written, 'base64')
  if (bytes.toString('base64') !== written) throw new Error('no base64')
  return bytes
}

function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('no UTF-8')
  return bytes.toString()
}

function stringOf(json: string): string {
  const value = parseTypedJson(json)
  if (value.type !== 'string') throw new Error('no string')
  return value.value
}

function structured(kind: 'map' | 'list', value: Value): Body {
  if (value.type === kind) return bodyOfValue(value as StructuredValue)
  throw new Error(`a ${value.type}`)
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
