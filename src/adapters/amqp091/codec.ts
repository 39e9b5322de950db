import type { Headers, Message, Properties } from '../../core/message.ts'
import { text, type Value } from '../../core/value.ts'
import { type Restored, restored } from '../shared/carriage/restore.ts'
import { readName, writtenByBroker } from './dialect.ts'
import { fields, TableReader } from './table.ts'

/** A delivery as it came over the wire, its properties not decoded yet (frames.ts). */
export interface WireMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly redelivered: boolean
  readonly raw: Buffer
  readonly content: Buffer
}

export interface Decoded extends Restored {
  readonly deliveryCount?: number
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * A message of `queue`. Never throws: a header table, or a whole property list, that cannot be read is kept as bytes
 * in the annotation `undecoded_headers` or `undecoded_properties`, and body and routing still arrive.
 *
 * The body is `bytes`, since the protocol has no kinds of bodies, unless a sink of ours wrote the message, which then is
 * as it was (`fault` where somebody has changed it since). Annotations hold `exchange`, `routing_key`,
 * `redelivered`, the headers that RabbitMQ itself writes (`x-death`, `x-delivery-count`, …), `cluster_id`, and a
 * `priority` above 9; all other headers, those with `x-` too, are the application's.
 */
export function decode(queue: string, wire: WireMessage): Decoded {
  const annotations: Record<string, Value> = {
    exchange: text(wire.exchange),
    routing_key: text(wire.routingKey),
    redelivered: { type: 'bool', value: wire.redelivered },
  }
  const headers: Record<string, Value> = {}
  let properties: Properties = {}
  try {
    properties = readProperties(new TableReader(wire.raw), annotations, headers)
  } catch {
    annotations.undecoded_properties = { type: 'bytes', value: Uint8Array.from(wire.raw) }
  }
  const message: Message = {
    address: queue,
    body: { kind: 'bytes', bytes: wire.content },
    properties,
    headers,
    annotations,
  }
  const count = deliveryCount(wire.redelivered, annotations)
  return { ...asItWas(message), ...(count !== undefined && { deliveryCount: count }) }
}

/** What a sink of ours has written becomes what it was given; any other message stays as it is. */
function asItWas(message: Message): Restored {
  const again = restored(message)
  if (again.message === message) return again
  const headers: Record<string, Value> = {}
  for (const [name, value] of Object.entries(again.message.headers)) set(headers, readName(name), value)
  return { ...again, message: { ...again.message, headers } }
}

/** The property list (AMQP 0-9-1, 4.2.6.1): sixteen flags, highest first, then the fields whose flag is set. */
function readProperties(
  reader: TableReader,
  annotations: Record<string, Value>,
  headers: Record<string, Value>,
): Properties {
  const flags = reader.uint16()
  for (let more = flags; more & 1; ) more = reader.uint16()
  const p: Writable<Properties> = {}
  if (flags & 0x8000) p.contentType = reader.shortString()
  if (flags & 0x4000) p.contentEncoding = reader.shortString()
  if (flags & 0x2000) readHeaders(reader.block(), annotations, headers)
  if (flags & 0x1000) p.durable = reader.uint8() === 2
  if (flags & 0x0800) p.priority = priority(reader.uint8(), annotations)
  if (flags & 0x0400) p.correlationId = text(reader.shortString())
  if (flags & 0x0200) p.replyTo = reader.shortString()
  if (flags & 0x0100) setExpiry(p, reader.shortString())
  if (flags & 0x0080) p.messageId = text(reader.shortString())
  if (flags & 0x0040) p.createdAt = Number(reader.uint64()) * 1000
  if (flags & 0x0020) p.subject = reader.shortString()
  if (flags & 0x0010) p.userId = text(reader.shortString())
  if (flags & 0x0008) p.appId = reader.shortString()
  if (flags & 0x0004) annotations.cluster_id = text(reader.shortString())
  return p
}

function readHeaders(table: Buffer, annotations: Record<string, Value>, headers: Record<string, Value>) {
  try {
    for (const [name, value] of fields(table)) set(writtenByBroker(name) ? annotations : headers, name, value)
  } catch {
    annotations.undecoded_headers = { type: 'bytes', value: Uint8Array.from(table) }
  }
}

/** A header may be called `__proto__`. */
function set(to: Record<string, Value>, name: string, value: Value): void {
  if (name === '__proto__') {
    Object.defineProperty(to, name, { value, enumerable: true, configurable: true, writable: true })
  } else to[name] = value
}

/** RabbitMQ has priorities to 255, a message here 0 to 9. */
function priority(value: number, annotations: Record<string, Value>): number {
  if (value <= 9) return value
  annotations.priority = { type: 'uint8', value }
  return 9
}

/** `expiration` is milliseconds to live, as text; RabbitMQ refuses to take anything else. */
function setExpiry(p: Writable<Properties>, expiration: string): void {
  if (/^\d+$/.test(expiration)) p.expiresAt = Date.now() + Number(expiration)
}

/**
 * Quorum queues count in `x-delivery-count` from the second delivery on. A classic queue only says that this is not
 * the first. A first delivery is never flagged, whatever headers the application invented.
 */
function deliveryCount(redelivered: boolean, annotations: Headers): number | undefined {
  if (!redelivered) return 0
  const count = annotations['x-delivery-count']
  return count !== undefined && 'value' in count && /int/.test(count.type) ? Number(count.value) : undefined
}
