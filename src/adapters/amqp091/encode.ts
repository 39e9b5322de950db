import { isUtf8 } from 'node:buffer'
import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Headers, Message, Properties } from '../../core/message.ts'
import { formatSize } from '../../core/units.ts'
import { text, type Value } from '../../core/value.ts'
import { bodyAsBytes } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import { type Place, placeOf, writtenName } from './dialect.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { isNative, isShort, Writer } from './table-writer.ts'

export interface AmqpPrepared extends Prepared, Place {
  /** Property flags and list, as they stand in the content header frame. */
  readonly properties: Buffer
  readonly body: Buffer
}

/** What a sink of this protocol learned of its broker. */
export interface AmqpLimits extends Limits {
  /** Bytes of a property list: it has to fit into one frame. */
  readonly maxProperties: number
}

/** A frame of 128 KiB, which is what RabbitMQ takes, without what stands around the property list (4.2.6.1). */
export const usualProperties = 131_072 - 20

/** Milliseconds whose seconds no longer fit 64 bits with a sign, as most readers take them, though the specification has none (4.2.5.4). */
const noTimestamp = 2 ** 63 * 1_000

/** RabbitMQ's timers hold no more (ms). */
const longestExpiration = 2 ** 32 - 1

/**
 * A message as basic.publish: the body as bytes, headers with their types, properties in their places. What has no
 * place, or is not as it reads, stands in the header `sluice_properties` too.
 */
export function prepare(
  { options }: Endpoint<ConnectionOptions, SinkOptions>,
  limits: Limits,
  message: Message,
): AmqpPrepared {
  const place = checkedPlace(placeOf(options, message.address))
  if (message.properties.delay !== undefined) {
    throw new MessageRefused(
      `the message has a delay of ${message.properties.delay} ms and RabbitMQ has none`,
    )
  }
  const { bytes, note } = bodyAsBytes(message.body)
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (body.length > limits.maxMessageSize) {
    throw new MessageRefused(
      `the body has ${body.length} bytes and the broker takes ${limits.maxMessageSize} (${formatSize(limits.maxMessageSize)}, its max_message_size)`,
    )
  }
  const { fields, types } = wireHeaders(message.headers)
  const json = propertiesJson(message.properties, name => hasPlace(message.properties, name), {
    ...note,
    ...(types && { headers: types }),
  })
  if (json !== undefined) fields.push([propertiesName, text(json)])
  const properties = propertyList(message.properties, fields)
  const most = 'maxProperties' in limits ? (limits as AmqpLimits).maxProperties : usualProperties
  if (properties.length > most) {
    throw new MessageRefused(
      `headers and properties have ${properties.length} bytes and the broker takes ${most} of them`,
    )
  }
  return { ...place, properties, body, size: body.length + properties.length }
}

function checkedPlace(place: Place): Place {
  for (const [what, name] of [
    ['exchange', place.exchange],
    ['queue or routing key', place.routingKey],
  ] as const) {
    if (!isShort(name)) {
      throw new MessageRefused(`the ${what} ${shown(name)} has more than 255 bytes, or is no Unicode text`)
    }
  }
  return place
}

const shown = (name: string): string => JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name)

/** Headers as fields, and the types of those that the protocol does not have. Throws MessageRefused for impossible names. */
function wireHeaders(headers: Headers): {
  fields: [string, Value][]
  types: Record<string, string> | undefined
} {
  const fields: [string, Value][] = []
  let types: Record<string, string> | undefined
  for (const [own, value] of Object.entries(headers)) {
    const name = writtenName(own)
    if (!isShort(name)) {
      throw new MessageRefused(
        `the header ${shown(name)} has a name of more than 255 bytes, or no Unicode text`,
      )
    }
    if (isNative(value)) fields.push([name, value])
    else {
      const { text: written, type } = headerAsText(value, t => t.isWellFormed())
      fields.push([name, text(written)])
      if (type !== undefined) {
        types ??= {}
        Object.defineProperty(types, name, { value: type, enumerable: true, configurable: true })
      }
    }
  }
  return { fields, types }
}

/** What reads back from its place as it was. */
function hasPlace(properties: Properties, name: keyof Properties): boolean {
  switch (name) {
    case 'durable':
      return true
    case 'priority':
      return isPriority(properties.priority)
    case 'createdAt':
      return isSeconds(properties.createdAt)
    case 'messageId':
    case 'correlationId': {
      const id = properties[name]
      return id?.type === 'string' && isShort(id.value)
    }
    case 'replyTo':
      return isReplyTo(properties.replyTo)
    case 'contentType':
    case 'contentEncoding':
    case 'subject':
    case 'appId':
      return isShort(properties[name] ?? '')
    default:
      return false
  }
}

const isPriority = (priority = -1): boolean => Number.isInteger(priority) && priority >= 0 && priority <= 9

const isSeconds = (milliseconds = -1): boolean =>
  milliseconds >= 0 && milliseconds % 1000 === 0 && milliseconds <= Number.MAX_SAFE_INTEGER

/** RabbitMQ takes the name without more to it for a wish to be answered on this very channel. */
const isReplyTo = (replyTo = ''): boolean => isShort(replyTo) && replyTo !== 'amq.rabbitmq.reply-to'

const writer = new Writer()

/** The property list (AMQP 0-9-1, 4.2.6.1): sixteen flags, highest first, then the fields whose flag is set. */
function propertyList(p: Properties, fields: readonly [string, Value][]): Buffer {
  let flags = 0x1000
  const put = (flag: number, value: string | undefined) => {
    if (value === undefined || !isShort(value)) return
    flags |= flag
    writer.shortString(value)
  }
  writer.begin()
  writer.uint16(0)
  put(0x8000, p.contentType)
  put(0x4000, p.contentEncoding)
  if (fields.length > 0) {
    flags |= 0x2000
    writer.table(fields)
  }
  writer.uint8(p.durable === false ? 1 : 2)
  if (isPriority(p.priority)) {
    flags |= 0x0800
    writer.uint8(p.priority!)
  }
  put(0x0400, idText(p.correlationId))
  put(0x0200, isReplyTo(p.replyTo) ? p.replyTo : undefined)
  put(0x0100, expirationOf(p.expiresAt))
  put(0x0080, idText(p.messageId))
  if (p.createdAt !== undefined && p.createdAt >= 0 && p.createdAt < noTimestamp) {
    flags |= 0x0040
    writer.uint64(BigInt(Math.floor(p.createdAt / 1000)))
  }
  put(0x0020, p.subject)
  put(0x0008, p.appId)
  const list = writer.taken()
  list.writeUInt16BE(flags)
  return list
}

/** An id as a client reads it that knows no other ids than text, and may have to give it back. */
function idText(id: Value | undefined): string | undefined {
  switch (id?.type) {
    case undefined:
    case 'null':
    case 'list':
    case 'map':
      return undefined
    case 'bytes':
      if (isUtf8(id.value)) return Buffer.from(id.value).toString()
  }
  return id && headerAsText(id, () => true).text
}

function expirationOf(expiresAt: number | undefined): string | undefined {
  if (expiresAt === undefined) return undefined
  const left = Math.max(1, Math.ceil(expiresAt - Date.now()))
  return left <= longestExpiration ? String(left) : undefined
}
