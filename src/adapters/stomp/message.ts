import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import { text, type Value } from '../../core/value.ts'
import { decodeText, type Frame } from './codec.ts'
import type { Broker } from './dialect.ts'
import type { SourceOptions } from './options.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Says what a header means; false leaves it among the application's headers. */
type Reader = (value: string, properties: Mutable<Properties>, now: number) => boolean

/**
 * A MESSAGE frame as a message. STOMP knows nothing but text, so every header is a string; what the brokers write
 * beside the application's headers goes to the properties, or to the annotations where there is no property for it.
 */
export function decodeMessage(frame: Frame, broker: Broker, options: SourceOptions, now: number): Message {
  const properties: Mutable<Properties> = {}
  const headers: Record<string, Value> = Object.create(null)
  const annotations: Record<string, Value> = Object.create(null)
  const own = broker === 'rabbitmq' ? rabbitReaders : readers
  for (const [name, value] of frame.headers) {
    if (transport.has(name)) continue
    if (annotated.has(name) || (/^(_AMQ_|AMQ_SCHEDULED_)/.test(name) && !own.has(name)))
      annotations[name] = text(value)
    else if (!own.get(name)?.(value, properties, now)) headers[name] = text(value)
  }
  return {
    address: addressOf(frame, options),
    body: bodyOf(frame, broker),
    properties,
    headers: headers as Headers,
    annotations: annotations as Headers,
  }
}

/**
 * An id that the message keeps when it is delivered again: ActiveMQ's JMSMessageID, or the number Artemis stored it
 * under, which follows the number of the consumer. RabbitMQ's `message-id` counts deliveries of a session.
 */
export function stableId({ headers }: Frame, broker: Broker): string | undefined {
  const id = headers.get('message-id')
  if (broker === 'activemq') return id?.startsWith('ID:') ? id : undefined
  return broker === 'artemis' ? id?.slice(id.indexOf(',') + 1) : undefined
}

/** The name as it was configured; of a topic the one that was published to, since the configured one may be a pattern. */
function addressOf({ headers }: Frame, { queue, topic, address }: SourceOptions): string {
  if (topic === undefined) return queue ?? address!
  const destination = headers.get('destination') ?? topic
  return destination.startsWith('/topic/') ? destination.slice(7) : destination
}

/**
 * ActiveMQ leaves `content-length` out of a TextMessage and writes it for a BytesMessage, and so does Artemis under
 * STOMP 1.0. Later versions of the protocol make Artemis add it to a TextMessage too, as the last header, where for a
 * BytesMessage it is the second. RabbitMQ, whose messages are all bytes, writes it where there are any. An ActiveMQ
 * TextMessage that came by STOMP with both, since it holds a NUL, says so in `amq-msg-type`.
 */
function bodyOf({ headers, body }: Frame, broker: Broker): Body {
  const decoded = isText(headers, broker) ? decodeText(body) : undefined
  return decoded === undefined ? { kind: 'bytes', bytes: body } : { kind: 'text', text: decoded }
}

function isText(headers: ReadonlyMap<string, string>, broker: Broker): boolean {
  if (broker === 'rabbitmq') return false
  if (broker === 'artemis') return endsWithLength(headers)
  return !headers.has('content-length') || (broker === 'activemq' && headers.get('amq-msg-type') === 'text')
}

function endsWithLength(headers: ReadonlyMap<string, string>): boolean {
  let last: string | undefined
  let hasLength = false
  for (last of headers.keys()) hasLength ||= last === 'content-length'
  return !hasLength || last === 'content-length'
}

/** Of the frame and not of the message. */
const transport: ReadonlySet<string> = new Set(['content-length', 'subscription', 'ack', 'receipt'])

/** Said by the broker of this delivery. */
const annotated: ReadonlySet<string> = new Set([
  'destination',
  'redelivered',
  'original-destination',
  'transformation',
  'transformation-error',
  'destination-type',
  'amq-msg-type',
])

const always =
  (set: (properties: Mutable<Properties>, value: string) => void): Reader =>
  (value, properties) => {
    set(properties, value)
    return true
  }

/** For a header that is a whole number; one that is none stays a header. */
const whole =
  (set: (properties: Mutable<Properties>, value: number, now: number) => void): Reader =>
  (value, properties, now) => {
    if (!/^-?\d{1,16}$/.test(value) || !Number.isSafeInteger(Number(value))) return false
    set(properties, Number(value), now)
    return true
  }

const shared: readonly [string, Reader][] = [
  [
    'correlation-id',
    always((p, v) => {
      p.correlationId = text(v)
    }),
  ],
  [
    'reply-to',
    always((p, v) => {
      p.replyTo = v
    }),
  ],
  [
    'content-type',
    always((p, v) => {
      p.contentType = v
    }),
  ],
  [
    'type',
    always((p, v) => {
      p.subject = v
    }),
  ],
  [
    'priority',
    whole((p, v) => {
      p.priority = v
    }),
  ],
  [
    'persistent',
    always((p, v) => {
      p.durable = v === 'true'
    }),
  ],
  [
    'JMSXGroupID',
    always((p, v) => {
      p.groupId = v
    }),
  ],
  [
    'JMSXGroupSeq',
    whole((p, v) => {
      p.groupSequence = v
    }),
  ],
]

/** ActiveMQ Classic, Artemis and whoever follows them. `expires` is 0 for a message that does not. */
const readers: ReadonlyMap<string, Reader> = new Map([
  ...shared,
  [
    'message-id',
    always((p, v) => {
      p.messageId = text(v.slice(v.indexOf(',') + 1))
    }),
  ],
  [
    '_AMQ_GROUP_ID',
    always((p, v) => {
      p.groupId = v
    }),
  ],
  [
    'timestamp',
    whole((p, v) => {
      if (v > 0) p.createdAt = v
    }),
  ],
  [
    'expires',
    whole((p, v) => {
      if (v > 0) p.expiresAt = v
    }),
  ],
  [
    'JMSXUserID',
    always((p, v) => {
      p.userId = text(v)
    }),
  ],
])

/** RabbitMQ names AMQP 0-9-1 properties: `timestamp` in seconds, `expiration` a time to live in milliseconds. */
const rabbitReaders: ReadonlyMap<string, Reader> = new Map([
  ...shared,
  ['message-id', () => true],
  [
    'amqp-message-id',
    always((p, v) => {
      p.messageId = text(v)
    }),
  ],
  [
    'content-encoding',
    always((p, v) => {
      p.contentEncoding = v
    }),
  ],
  [
    'timestamp',
    whole((p, v) => {
      p.createdAt = v * 1000
    }),
  ],
  [
    'expiration',
    whole((p, v, now) => {
      p.expiresAt = now + v
    }),
  ],
  [
    'user-id',
    always((p, v) => {
      p.userId = text(v)
    }),
  ],
  [
    'app-id',
    always((p, v) => {
      p.appId = v
    }),
  ],
])
