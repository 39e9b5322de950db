import type { Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import { plainJson } from '../../core/json/typed-json.ts'
import type { Body, Message } from '../../core/message.ts'
import { bodyAsBytes } from '../shared/carriage/body.ts'
import { formatted } from '../shared/cloudevents/cloudevents.ts'
import { addressOf, isHeaderless, type SinkAt } from './options.ts'
import { propertyBytes, varint } from './properties.ts'
import { topicProblem } from './topics.ts'

export interface MqttPrepared extends Prepared {
  readonly topic: string
  /** All of the packet that comes before its body. A copy of it is sent, with a packet id and an expiry of its own. */
  readonly head: Buffer
  readonly body: Uint8Array
  /** Where the packet id belongs; none with QoS 0. */
  readonly idAt: number | undefined
  /** Where the seconds that are left belong. */
  readonly expiry?: { readonly at: number; readonly expiresAt: number }
}

/** Bytes of the largest packet of the protocol: a length of 28 bits, and what stands before it. */
export const largestPacket = 268_435_455 + 5

/** The PUBLISH packet of a message, whose topic is its address. Throws MessageRefused. */
export function prepare(at: SinkAt, limits: Limits, written: Message): MqttPrepared {
  const message = formatted(written, at, isHeaderless(at) ? plainBinding : binding)
  const topic = message.address
  const problem = topicProblem(topic)
  if (problem !== undefined) {
    throw new MessageRefused(`cannot publish to the topic ${shown(topic)} (${addressOf(at)}): ${problem}`)
  }
  if (message.properties.delay !== undefined) {
    throw new MessageRefused('the message has a delay, and MQTT cannot deliver later')
  }
  const { qos, retain } = at.options
  const v5 = isHeaderless(at) ? undefined : bodyAsBytes(message.body)
  const body = v5 ? v5.bytes : plainBody(message.body)
  const properties = v5 && propertyBytes(message, v5.note, qos > 0)
  const name = Buffer.from(topic)
  const length = 2 + name.length + (qos > 0 ? 2 : 0) + (properties?.bytes.length ?? 0) + body.length
  const lengthBytes = varint(length)
  const size = 1 + lengthBytes.length + length
  checkSize(size, limits)
  const idAt = 1 + lengthBytes.length + 2 + name.length
  const head = Buffer.allocUnsafe(size - body.length)
  head[0] = 0x30 | (qos << 1) | (retain ? 1 : 0)
  lengthBytes.copy(head, 1)
  head.writeUInt16BE(name.length, idAt - name.length - 2)
  name.copy(head, idAt - name.length)
  const propertiesAt = qos > 0 ? idAt + 2 : idAt
  properties?.bytes.copy(head, propertiesAt)
  const { expiresAt } = message.properties
  const expiryAt = properties?.expiryAt
  return {
    size,
    topic,
    head,
    body,
    idAt: qos > 0 ? idAt : undefined,
    ...(expiryAt !== undefined &&
      expiresAt !== undefined && { expiry: { at: propertiesAt + expiryAt, expiresAt } }),
  }
}

/** Attributes are user properties of the same names (CloudEvents, MQTT protocol binding, 3.1.3.1); MQTT 3.1.1 has structured events only. */
const binding = { prefix: '', body: 'text' } as const
const plainBinding = { body: 'text' } as const

/** Throws MessageRefused for a packet that the broker does not take. */
export function checkSize(size: number, { maxMessageSize }: Limits): void {
  if (size > maxMessageSize) {
    throw new MessageRefused(`the message has ${size} bytes, and the broker takes ${maxMessageSize}`)
  }
}

/** What goes before the body now. A packet id belongs to one sending only, and the seconds that are left run. */
export function headOf({ head, idAt, expiry }: MqttPrepared, packetId: number): Buffer {
  if (idAt === undefined && !expiry) return head
  const copy = Buffer.from(head)
  if (idAt !== undefined) copy.writeUInt16BE(packetId, idAt)
  if (expiry) copy.writeUInt32BE(secondsLeft(expiry.expiresAt), expiry.at)
  return copy
}

/** Whole seconds, rounded up: one that has expired meanwhile has one second left. */
const secondsLeft = (expiresAt: number): number =>
  Math.min(Math.max(1, Math.ceil((expiresAt - Date.now()) / 1000)), 0xffff_ffff)

/** A body where nothing can say what it was: as people read it. */
function plainBody(body: Body): Uint8Array {
  switch (body.kind) {
    case 'none':
      return Buffer.alloc(0)
    case 'bytes':
    case 'object':
      return body.bytes
    case 'text':
      if (!body.text.isWellFormed()) {
        throw new MessageRefused('the text has half a surrogate pair, which UTF-8 does not know')
      }
      return Buffer.from(body.text)
    case 'map':
      return Buffer.from(plainJson({ type: 'map', value: body.entries }))
    case 'list':
      return Buffer.from(plainJson({ type: 'list', value: body.items }))
  }
}

const shown = (topic: string): string =>
  JSON.stringify(topic.length > 200 ? `${topic.slice(0, 200)}…` : topic)
