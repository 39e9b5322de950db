import fc from 'fast-check'
import type { Body, Message, Properties } from '../../../src/core/message.ts'
import { text, type Value } from '../../../src/core/value.ts'
import { anyMessage, anyText, anyValue } from '../../support/any-message.ts'

/**
 * Names that a protocol, a broker or Sluice has a meaning for, or that are odd in some other way. A `_AMQ_DUPL_ID` is not
 * among them: by it an application lets Artemis drop what comes twice, as one message from every source would.
 */
const oddNames = fc.constantFrom(
  ...`sluice_properties sluice_headers sluice_header_x sluice_CC sluice_sluice_properties CC BCC x-death x-delivery-count x-opt-a
  destination content-length content-type content-encoding receipt message-id transaction persistent priority expires
  expiration reply-to correlation-id type timestamp user-id app-id ack subscription redelivered amq-msg-type durable
  selector JMSXGroupID JMSXGroupSeq JMSXUserID JMSXDeliveryCount JMSType JMSReplyTo JMS_AMQP_NATIVE JMS_AMQP_HEADER
  JMSPriority AMQ_SCHEDULED_DELAY AMQ_SCHEDULED_REPEAT _AMQ_GROUP_ID _AMQ_LVQ_NAME _AMQ_SCHED_DELIVERY _AMQ_ROUTING_TYPE
  _AMQ_VALIDATED_USER __HDR_MESSAGE_ID __AMQ_CID NATIVE_MESSAGE_ID traceparent tracestate AWSTraceHeader AWS.x
  Amazon.y .dot dot. a..b a:b a=b x-a.b constructor __proto__ hasOwnProperty toString then length 0 10 -1 null
  SQSLargePayloadSize JMS_SQSMessageType`.split(/\s+/),
  'a b',
  ' ',
  'a\nb',
  'a\\cb',
  'Straße',
  '😀',
  'n'.repeat(200),
  'n'.repeat(257),
)

const anyName = fc.oneof({ arbitrary: anyText, weight: 2 }, oddNames)

const deep = (depth: number): Value =>
  depth === 0
    ? { type: 'null' }
    : { type: 'list', value: [{ type: 'map', value: [[text('a'), deep(depth - 1)]] }] }

/** What some protocol has another form for, or no room. */
const oddValues = fc.constantFrom<Value>(
  text('x'.repeat(300)),
  text('text/plain'),
  { type: 'symbol', value: 'é' },
  { type: 'char', value: '😀' },
  { type: 'char', value: '\ud83e' },
  { type: 'char', value: 'ab' },
  { type: 'uuid', value: 'F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6' },
  { type: 'uuid', value: 'none' },
  { type: 'decimal', value: '0012.50' },
  { type: 'decimal', value: '-1e400' },
  { type: 'decimal', value: `${'9'.repeat(60)}.5` },
  ...[-1, 0.5, 2 ** 53, -(2 ** 53), 8.64e15 + 1, 2 ** 63].map(
    (value): Value => ({ type: 'timestamp', value }),
  ),
  ...[1e21, 5e-324, 1.7976931348623157e308, 2 ** 53, 123_456_789.123_456_78].map(
    (value): Value => ({ type: 'float64', value }),
  ),
  { type: 'bytes', value: Buffer.from('text') },
  { type: 'bytes', value: Buffer.alloc(2_000, 0xff) },
  { type: 'list', value: [text('a'), text('b')] },
  { type: 'list', value: [text(''), text('b')] },
  { type: 'list', value: [] },
  { type: 'map', value: [] },
  deep(5),
  deep(31),
)

const oddBodies: readonly Body[] = [
  { kind: 'text', text: 'ü'.repeat(70_000) },
  { kind: 'bytes', bytes: Buffer.alloc(100_000, 0xab) },
  { kind: 'text', text: '{"a":1.0,"a":2}' },
  { kind: 'text', text: '\ufeffa\r\n' },
  { kind: 'list', items: [deep(31)] },
  { kind: 'map', entries: [[text('a'), deep(30)]] },
  { kind: 'map', entries: [[deep(1), deep(1)]] },
]

/** More than SQS has attributes, now and then. */
const anyHeaders = fc.oneof(
  { arbitrary: fc.constant([]), weight: 3 },
  fc.array(fc.tuple(anyName, fc.oneof({ arbitrary: anyValue, weight: 2 }, oddValues)), {
    maxLength: 14,
    size: 'max',
  }),
)

const oddId = fc.oneof(
  oddValues,
  fc.constantFrom(text('ID:a:1:1:1:1'), text('ID:a'), text(' a '), text('a:b')),
)
const oddText = fc.constantFrom(
  'x'.repeat(255),
  'ü'.repeat(200),
  ' a ',
  'a\r\nb',
  'a:b\\c',
  'null',
  '0',
  '\t',
)
const oddTime = fc.constantFrom(-1, 0, 0.5, 1, 999, 1_000, 1e12, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 8.64e15 + 1)

/** What is a property's own to be odd. */
const oddProperties: fc.Arbitrary<Properties> = fc.record(
  {
    messageId: oddId,
    correlationId: oddId,
    userId: oddId,
    replyTo: fc.oneof(
      oddText,
      fc.constantFrom(
        ...`/queue/x /topic/x /temp-queue/x /exchange/a/b /reply-queue/x /amq/queue/x /queues/x queue://a topic://b
        temp-queue://c amq.rabbitmq.reply-to amq.rabbitmq.reply-to.x a,b a/+ # $SYS/x remote-temp-queue://ID:x:1`.split(
          /\s+/,
        ),
      ),
    ),
    contentType: fc.oneof(
      oddText,
      fc.constantFrom(
        'application/x-java-serialized-object',
        'application/cloudevents+json',
        'text/plain; charset=utf-16',
        'application/octet-stream',
        'application/vnd.sluice.dead-letter+json',
      ),
    ),
    contentEncoding: oddText,
    subject: oddText,
    appId: oddText,
    groupId: oddText,
    groupSequence: fc.constantFrom(0, -1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32),
    createdAt: oddTime,
  },
  { requiredKeys: [], noNullPrototype: true },
)

/** It may be that the message is on its way as long as this. */
const shortest = 3_600_000
const year = 365 * 24 * 3_600_000

/** Far enough in the future for no message to expire, and near, or farther than brokers can count. */
const anyExpiry = fc.oneof(
  fc.nat(year),
  fc.nat(),
  fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 9e15 - 2e12, 2 ** 53, 2 ** 63),
)

/** Any message that a route can be given: one which has expired is left to the brokers. */
export const anySent: fc.Arbitrary<Message> = fc
  .tuple(
    anyMessage,
    anyHeaders,
    anyExpiry,
    fc.oneof({ arbitrary: fc.constant({}), weight: 2 }, oddProperties),
    fc.oneof({ arbitrary: fc.constant(undefined), weight: 9 }, fc.constantFrom<Body>(...oddBodies)),
  )
  .map(([{ annotations: _, ...message }, more, left, odd, body]) => {
    const { expiresAt, ...properties } = message.properties
    return {
      ...message,
      body: body ?? message.body,
      properties: {
        ...properties,
        ...odd,
        ...(expiresAt !== undefined && { expiresAt: Date.now() + shortest + left }),
      },
      headers: withoutNumber({ ...message.headers, ...Object.fromEntries<Value>(more) }),
    }
  })

/** The header by which a message is known. */
export const numberName = 'specimen'

function withoutNumber(headers: Message['headers']): Message['headers'] {
  const { [numberName]: _, ...others } = headers
  return others
}
