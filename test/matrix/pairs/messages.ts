import fc from 'fast-check'
import type { Message } from '../../../src/core/message.ts'
import type { Value } from '../../../src/core/value.ts'
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

/** More than SQS has attributes, now and then. */
const anyHeaders = fc.oneof(
  { arbitrary: fc.constant(undefined), weight: 3 },
  fc.array(fc.tuple(anyName, anyValue), { maxLength: 14, size: 'max' }),
)

/** It may be that the message is on its way as long as this. */
const shortest = 3_600_000
const year = 365 * 24 * 3_600_000

/** Far enough in the future for no message to expire, and near, or farther than brokers can count. */
const anyExpiry = fc.oneof(
  fc.nat(year),
  fc.nat(),
  fc.constantFrom(
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 40,
    2 ** 53 - 1 - shortest - 4 * 10 ** 12,
    2 ** 53,
    2 ** 63,
  ),
)

/** Any message that a route can be given: one which has expired is left to the brokers. */
export const anySent: fc.Arbitrary<Message> = fc
  .tuple(anyMessage, anyHeaders, anyExpiry)
  .map(([{ annotations: _, ...message }, more, left]) => {
    const { expiresAt, ...properties } = message.properties
    return {
      ...message,
      properties: {
        ...properties,
        ...(expiresAt !== undefined && { expiresAt: Date.now() + shortest + left }),
      },
      headers: withoutNumber({ ...message.headers, ...Object.fromEntries<Value>(more ?? []) }),
    }
  })

/** The header by which a message is known. */
export const numberName = 'specimen'

function withoutNumber(headers: Message['headers']): Message['headers'] {
  const { [numberName]: _, ...others } = headers
  return others
}
