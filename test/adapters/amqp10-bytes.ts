import { Reader } from './amqp10-client.ts'

/** A value as rhea reads it, with its type. */
interface Typed {
  readonly type: { readonly name: string }
  readonly value: unknown
  readonly descriptor?: { readonly value: number | string }
}

/** The sections of a message, read by rhea and not by us; a value is its type and itself: `Int:5`. */
export interface Native {
  /** Of one data section or of a text, in bytes; empty for anything else. */
  readonly body: Buffer
  /** What the body is: `data`, `value` or nothing, and the value. */
  readonly value: string
  readonly header: readonly string[]
  readonly annotations: Readonly<Record<string, string>>
  readonly properties: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

const fields =
  'messageId userId to subject replyTo correlationId contentType contentEncoding expiresAt createdAt groupId groupSequence'.split(
    ' ',
  )

export function nativeOf(bytes: Buffer): Native {
  const sections = new Map<number, Typed>()
  const reader = new Reader(bytes) as unknown as { read(): Typed; remaining(): number }
  while (reader.remaining() > 0) {
    const section = reader.read()
    sections.set(Number(section.descriptor!.value), section)
  }
  const list = (code: number) =>
    ((sections.get(code)?.value ?? []) as readonly (Typed | undefined)[]).map(shown)
  const data = sections.get(0x75)
  const value = sections.get(0x77)
  const isText = value !== undefined && /^Str/.test(value.type.name)
  return {
    body: data ? Buffer.from(data.value as Buffer) : Buffer.from(isText ? (value.value as string) : ''),
    value: data ? 'data' : value ? `value ${shown(value)}` : 'nothing',
    header: list(0x70),
    annotations: map(sections.get(0x72)),
    properties: Object.fromEntries(
      list(0x73).flatMap((field, i) => (field === 'Null:null' ? [] : [[fields[i]!, field]])),
    ),
    headers: map(sections.get(0x74)),
  }
}

function map(section: Typed | undefined): Record<string, string> {
  const items = (section?.value ?? []) as readonly Typed[]
  const pairs: [string, string][] = []
  for (let i = 0; i < items.length; i += 2) pairs.push([String(items[i]!.value), shown(items[i + 1]!)])
  return Object.fromEntries(pairs)
}

function shown(typed: Typed | undefined): string {
  if (!typed) return 'Null:null'
  const name = typed.type.name.replace(/(8|32)$/, '').replace(/^Small|^(?=U(int|long)0)|[01]$/, '')
  const { value } = typed
  if (Buffer.isBuffer(value)) return `${name}:${value.toString('hex')}`
  if (Array.isArray(value)) return `${name}[${value.map(shown).join(' ')}]`
  if (value instanceof Date) return `${name}:${value.getTime()}`
  return `${name}:${value}`
}
