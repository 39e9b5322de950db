import type { Delivery } from '../../core/delivery.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Body, Message } from '../../core/message.ts'
import { type MessageJson, messageFromJson, messageToJson } from '../dead-letter/record.ts'

/** What the disk keeps of a delivery. */
export interface Kept {
  readonly message: Message
  /** Of the broker, or made on receipt: the same at each start, so that deduplication ids stay the same too. */
  readonly id: string
  /** As `Delivery.name`. */
  readonly name?: string
  readonly fault?: MessageRefused
  readonly size: number
  readonly deliveryCount?: number
  /** Milliseconds since 1970. */
  readonly receivedAt: number
}

type RawBody = Extract<Body['kind'], 'text' | 'bytes' | 'object'>

interface About {
  readonly message: MessageJson
  /** The kind of the body, where it stands behind this as it is. */
  readonly raw?: RawBody
  readonly id: string
  readonly name?: string
  readonly fault?: string
  readonly size: number
  readonly count?: number
  readonly at: number
}

export function kept(delivery: Delivery, id: string, receivedAt: number): Kept {
  const { message, name, fault, size, deliveryCount } = delivery
  return {
    message,
    id,
    size,
    receivedAt,
    ...(name !== undefined && { name }),
    ...(fault && { fault }),
    ...(deliveryCount !== undefined && { deliveryCount }),
  }
}

/** Four bytes with the length of what follows, JSON with all but the body, and the body as it is where it is bytes or well-formed text. */
export function encodeContent({ message, id, name, fault, size, deliveryCount, receivedAt }: Kept): Buffer {
  const { body } = message
  const raw = rawOf(body)
  const about: About = {
    message: messageToJson(raw === undefined ? message : { ...message, body: { kind: 'none' } }),
    ...(raw !== undefined && { raw: body.kind as RawBody }),
    id,
    size,
    at: receivedAt,
    ...(name !== undefined && { name }),
    ...(fault && { fault: fault.message }),
    ...(deliveryCount !== undefined && { count: deliveryCount }),
  }
  const json = JSON.stringify(about)
  const length = Buffer.byteLength(json)
  const rawLength = raw === undefined ? 0 : typeof raw === 'string' ? Buffer.byteLength(raw) : raw.length
  const content = Buffer.allocUnsafe(4 + length + rawLength)
  content.writeUInt32BE(length)
  content.write(json, 4)
  if (typeof raw === 'string') content.write(raw, 4 + length)
  else if (raw) content.set(raw, 4 + length)
  return content
}

/** The inverse, which keeps nothing of `content`. Throws on what it did not write. */
export function decodeContent(content: Buffer): Kept {
  const end = 4 + content.readUInt32BE()
  const about: About = JSON.parse(content.toString('utf8', 4, end))
  const message = messageFromJson(about.message)
  return {
    message: about.raw ? { ...message, body: bodyOf(about.raw, content.subarray(end)) } : message,
    id: about.id,
    size: about.size,
    receivedAt: about.at,
    ...(about.name !== undefined && { name: about.name }),
    ...(about.fault !== undefined && { fault: new MessageRefused(about.fault) }),
    ...(about.count !== undefined && { deliveryCount: about.count }),
  }
}

/** Text with surrogates that are alone has no UTF-8, but JSON can escape them. */
function rawOf(body: Body): string | Uint8Array | undefined {
  if (body.kind === 'text') return body.text.isWellFormed() ? body.text : undefined
  return body.kind === 'bytes' || body.kind === 'object' ? body.bytes : undefined
}

const bodyOf = (kind: RawBody, raw: Buffer): Body =>
  kind === 'text' ? { kind, text: raw.toString() } : { kind, bytes: new Uint8Array(raw) }
