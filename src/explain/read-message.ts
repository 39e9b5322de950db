import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Problem } from '../config/problem.ts'
import type { WrittenMessage } from '../config/tests-schema.ts'
import { sentence } from '../core/errors.ts'
import type { Body, Headers, Message, Properties } from '../core/message.ts'
import { camelCase } from '../core/property-names.ts'
import { usualTime } from './clock.ts'
import { type Path, readEntries, readValue } from './read-value.ts'

/** A message that stands for one that a source delivers, and what the clock said then. */
export interface Received {
  readonly message: Message
  readonly at: number
}

export interface Around {
  /** What the message does not say: where it came from. */
  readonly address: string
  /** Where the files of bodies are looked for. */
  readonly folder: string
  /** Where the message stands in its file. */
  readonly path: Path
}

/** A message as people write it. What is wrong in it goes to `problems`. */
export function readMessage(
  { address, body, headers, properties, annotations, received_at }: WrittenMessage,
  around: Around,
  problems: Problem[],
): Received {
  const { path } = around
  const message: Message = {
    address: address ?? around.address,
    body: body === undefined ? { kind: 'none' } : readBody(body, around, problems),
    headers: readHeaders(headers, [...path, 'headers'], problems),
    properties: readProperties(properties, [...path, 'properties'], problems),
    ...(annotations && { annotations: readHeaders(annotations, [...path, 'annotations'], problems) }),
  }
  return { message, at: received_at === undefined ? usualTime : timeOf(received_at) }
}

const timeOf = (written: string | number): number =>
  typeof written === 'number' ? written : Date.parse(written)

const readHeaders = (
  written: Readonly<Record<string, unknown>> = {},
  at: Path,
  problems: Problem[],
): Headers =>
  Object.fromEntries(
    Object.entries(written).map(([name, value]) => [name, readValue(value, [...at, name], problems)]),
  )

type WrittenBody = NonNullable<WrittenMessage['body']>

function readBody(written: WrittenBody, { folder, path }: Around, problems: Problem[]): Body {
  if (typeof written === 'string') return { kind: 'text', text: written }
  const at = [...path, 'body']
  if ('json' in written) {
    checkNumbers(written.json, [...at, 'json'], problems)
    return { kind: 'text', text: JSON.stringify(written.json) }
  }
  if ('base64' in written)
    return { kind: 'bytes', bytes: bytesOf(written.base64, [...at, 'base64'], problems) }
  if ('java_object' in written)
    return { kind: 'object', bytes: bytesOf(written.java_object, [...at, 'java_object'], problems) }
  if ('map' in written) return { kind: 'map', entries: readEntries(written.map, [...at, 'map'], problems) }
  if ('list' in written) {
    const items = written.list.map((item, i) => readValue(item, [...at, 'list', i], problems))
    return { kind: 'list', items }
  }
  const [key, file] = 'file' in written ? ['file', written.file] : ['text_file', written.text_file]
  const bytes = readBytes(resolve(folder, file), [...at, key], problems)
  if (key === 'file') return { kind: 'bytes', bytes }
  if (!isUtf8(bytes)) problems.push({ path: [...at, key], text: 'the file is no UTF-8: take it by `file`' })
  return { kind: 'text', text: bytes.toString() }
}

/** JSON text is made of what YAML has read, and YAML rounds. */
function checkNumbers(value: unknown, at: Path, problems: Problem[]): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    problems.push({ path: at, text: 'JSON has no such number' })
  } else if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    problems.push({ path: at, text: 'a number that YAML rounds: write the whole body as text' })
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      checkNumbers(inner, [...at, Array.isArray(value) ? Number(key) : key], problems)
    }
  }
}

function bytesOf(written: string, path: Path, problems: Problem[]): Uint8Array {
  const bytes = Buffer.from(written, 'base64')
  const canonical = written.replace(/\s/g, '')
  if (bytes.toString('base64') !== canonical) problems.push({ path, text: 'expected base64' })
  return bytes
}

function readBytes(file: string, path: Path, problems: Problem[]): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    problems.push({ path, text: `the file cannot be read: ${sentence(error)}` })
    return Buffer.alloc(0)
  }
}

const typed = ['message_id', 'correlation_id', 'user_id']
const times = ['expires_at', 'created_at']

function readProperties(
  written: WrittenMessage['properties'] = {},
  at: Path,
  problems: Problem[],
): Properties {
  return Object.fromEntries(
    Object.entries(written).flatMap(([name, value]) => {
      if (value === undefined) return []
      const read = typed.includes(name)
        ? readValue(value, [...at, name], problems)
        : times.includes(name)
          ? timeOf(value as string | number)
          : value
      return [[camelCase(name), read]]
    }),
  )
}
