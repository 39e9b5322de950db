import { MessageRefused } from '../../../core/errors.ts'
import type { Headers, Properties } from '../../../core/message.ts'
import { text } from '../../../core/value.ts'
import type { ReceivedAttribute } from './calls.ts'
import { headersOf } from './decode.ts'

/** What SNS was given, out of the JSON that it puts around it (developer guide, "HTTP/HTTPS notification JSON format"). */
export interface Notification {
  readonly text: string
  readonly headers: Headers
  readonly properties: Properties
  readonly topic: string
}

interface NotificationJson {
  readonly Type?: unknown
  readonly Message?: unknown
  readonly MessageId?: unknown
  readonly TopicArn?: unknown
  readonly Subject?: unknown
  readonly Timestamp?: unknown
  readonly MessageAttributes?: Readonly<
    Record<string, { readonly Type?: unknown; readonly Value?: unknown } | null>
  > | null
}

/** Throws MessageRefused for a body that SNS did not write. */
export function parseNotification(body: string): Notification {
  const { Type, Message, MessageId, TopicArn, Subject, Timestamp, MessageAttributes } = jsonOf(body)
  if (Type !== 'Notification' || typeof Message !== 'string' || typeof TopicArn !== 'string') {
    throw notSns(body)
  }
  const attributes = Object.entries(MessageAttributes ?? {}).map(([name, attribute]) => {
    if (typeof attribute?.Type !== 'string' || typeof attribute.Value !== 'string') throw notSns(body)
    const { Type: DataType, Value } = attribute
    const read: ReceivedAttribute = DataType.startsWith('Binary')
      ? { DataType, BinaryValue: Value }
      : { DataType, StringValue: Value }
    return [name, read] as const
  })
  const headers = headersOf(Object.fromEntries(attributes))
  const at = typeof Timestamp === 'string' ? Date.parse(Timestamp) : Number.NaN
  const own: Properties = {
    ...(typeof MessageId === 'string' && { messageId: text(MessageId) }),
    ...(typeof Subject === 'string' && { subject: Subject }),
    ...(!Number.isNaN(at) && { createdAt: at }),
  }
  return { text: Message, headers, properties: own, topic: TopicArn }
}

function jsonOf(body: string): NotificationJson {
  try {
    const json: unknown = JSON.parse(body)
    if (typeof json === 'object' && json !== null) return json
  } catch {
    // The error below says it.
  }
  throw notSns(body)
}

const notSns = (body: string) =>
  new MessageRefused(
    `the body is no notification of SNS, as \`body: sns\` says it is: ${JSON.stringify(body.slice(0, 60))}`,
  )
