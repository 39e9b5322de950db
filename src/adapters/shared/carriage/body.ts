import { isUtf8 } from 'node:buffer'
import { MessageRefused } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import { parseTypedJson } from './parse-typed-json.ts'
import type { BodyNote } from './properties.ts'
import { fromPlainJson, shapeOf, unshapely } from './shape.ts'
import { plainJson, typedJson } from './typed-json.ts'

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

function jsonOf(body: Body & { readonly kind: 'map' | 'list' }): {
  readonly text: string
  readonly note: BodyNote
} {
  const value: Value =
    body.kind === 'map' ? { type: 'map', value: body.entries } : { type: 'list', value: body.items }
  const types = shapeOf(value)
  if (types === unshapely) return { text: typedJson(value), note: { body: body.kind, encoding: 'typed' } }
  return { text: plainJson(value), note: { body: body.kind, ...(types !== undefined && { types }) } }
}

/**
 * The body that `bodyAsText` or `bodyAsBytes` wrote, from the body as the protocol gives it. Throws MessageRefused when the
 * note does not fit the body, as when somebody on the way has changed one of them.
 */
export function restoredBody(body: Body, note: BodyNote): Body {
  if (note.body === undefined) return body
  try {
    if (note.encoding === 'empty') return emptied(note.body)
    const bytes = bytesOf(body, note.encoding === 'base64')
    switch (note.body) {
      case 'none':
        return bytes.length === 0 ? { kind: 'none' } : body
      case 'text':
        return { kind: 'text', text: note.encoding === 'typed' ? stringOf(bytes) : bytes.toString() }
      case 'bytes':
      case 'object':
        return { kind: note.body, bytes }
      default:
        return structured(
          note.encoding === 'typed'
            ? parseTypedJson(bytes.toString())
            : fromPlainJson(bytes.toString(), note.types),
        )
    }
  } catch (cause) {
    throw new MessageRefused(`the body is not the ${note.body} that its sluice_properties say`, { cause })
  }
}

function emptied(kind: Body['kind']): Body {
  if (kind === 'text') return { kind, text: '' }
  return kind === 'none' ? { kind } : { kind: kind === 'object' ? kind : 'bytes', bytes: Buffer.alloc(0) }
}

function bytesOf(body: Body, isBase64: boolean): Buffer {
  if (body.kind === 'none') return Buffer.alloc(0)
  if (body.kind === 'map' || body.kind === 'list') throw new Error(`a ${body.kind}`)
  const bytes = body.kind === 'text' ? Buffer.from(body.text) : bufferOf(body.bytes)
  if (!isBase64) return bytes
  const written = bytes.toString()
  const decoded = Buffer.from(written, 'base64')
  if (decoded.toString('base64') !== written) throw new Error('no base64')
  return decoded
}

function stringOf(json: Buffer): string {
  const value = parseTypedJson(json.toString())
  if (value.type !== 'string') throw new Error('no string')
  return value.value
}

function structured(value: Value): Body {
  if (value.type === 'map') return { kind: 'map', entries: value.value }
  if (value.type === 'list') return { kind: 'list', items: value.value }
  throw new Error(`a ${value.type}`)
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
