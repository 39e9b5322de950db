import type { Body, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import type { Place, Sends } from './sends.ts'
import { isAscii, isWritable } from './writable.ts'
import type { Writer } from './writer.ts'

/** What is decided before a message is written, since several sections have part in it. */
export interface Draft {
  readonly body: Body
  readonly replyTo: Place | undefined
  readonly contentType: string | undefined
}

/** The types that ids may have (section 3.2.4). */
const isId = (id: Value | undefined): id is Value =>
  id !== undefined && /^(string|uint64|uuid|bytes)$/.test(id.type) && isWritable(id)

/**
 * ActiveMQ takes any, and then closes the connection of a STOMP client that acknowledges a message whose id does not have
 * the form of its own ones (seen with 6.3.1): it gives such a message an id itself.
 */
const isMessageId = (id: Value | undefined, sends: Sends): id is Value =>
  isId(id) && (!isTurned(sends) || (id.type === 'string' && /^ID:[^:]+(:\d+){4}$/.test(id.value)))

const isText = (text: string | undefined): text is string => text?.isWellFormed() ?? false
const isSymbol = (text: string | undefined): text is string => text !== undefined && isAscii(text)
const isTimestamp = (time: number | undefined): time is number =>
  time !== undefined && isWritable({ type: 'timestamp', value: time })
const isUint32 = (n: number | undefined): n is number => n !== undefined && n >>> 0 === n

/** Are properties stored as JMS has them? */
const isTurned = ({ jms }: Sends): boolean => jms === 'when it comes'

/** JMSXGroupSeq is an int that begins at 1. */
const isSequence = (n: number): boolean => n > 0 && n < 2 ** 31

/** JMSXUserID is a text. */
const isUserId = (id: Value | undefined, sends: Sends): id is Value & { readonly type: 'bytes' } =>
  sends.takesUserId && id?.type === 'bytes' && (!isTurned(sends) || id.value.every(byte => byte < 0x80))

/** Which properties have a place of their own on the wire, with this value. */
export function hasPlace(
  name: keyof Properties,
  properties: Properties,
  draft: Draft,
  sends: Sends,
): boolean {
  switch (name) {
    case 'durable':
      return properties.durable === true || !isTurned(sends) // there it is written where it is true only
    case 'priority':
      return !isTurned(sends) || properties.priority! <= 9
    case 'messageId':
      return isMessageId(properties.messageId, sends)
    case 'correlationId':
      return isId(properties.correlationId)
    case 'userId':
      return isUserId(properties.userId, sends)
    case 'replyTo':
      return draft.replyTo?.address === properties.replyTo && isText(properties.replyTo)
    case 'subject':
    case 'groupId':
      return isText(properties[name])
    case 'contentType':
      return draft.contentType === properties.contentType && isSymbol(properties.contentType)
    case 'contentEncoding':
      return isSymbol(properties.contentEncoding)
    case 'expiresAt':
    case 'createdAt':
      return isTimestamp(properties[name]) && (!isTurned(sends) || properties[name] > 0)
    case 'groupSequence':
      return isUint32(properties.groupSequence) && (!isTurned(sends) || isSequence(properties.groupSequence))
    default:
      return false
  }
}

/** The fields of the section in their order, up to the last that is there. */
export function writeProperties(
  writer: Writer,
  draft: Draft,
  properties: Properties,
  place: Place,
  sends: Sends,
): void {
  const { messageId, userId, subject, correlationId, contentEncoding } = properties
  const { expiresAt, createdAt, groupId, groupSequence } = properties
  const { replyTo, contentType } = draft
  const string = (text: string | undefined): Value | undefined =>
    isText(text) ? { type: 'string', value: text } : undefined
  const symbol = (text: string | undefined): Value | undefined =>
    isSymbol(text) ? { type: 'symbol', value: text } : undefined
  const time = (value: number | undefined): Value | undefined =>
    isTimestamp(value) ? { type: 'timestamp', value } : undefined
  const fields: (Value | undefined)[] = [
    isMessageId(messageId, sends) ? messageId : undefined,
    isUserId(userId, sends) ? userId : undefined,
    string(place.address),
    string(subject),
    string(replyTo?.address),
    isId(correlationId) ? correlationId : undefined,
    symbol(contentType),
    symbol(contentEncoding),
    time(expiresAt),
    time(createdAt),
    string(groupId),
    isUint32(groupSequence) ? { type: 'uint32', value: groupSequence } : undefined,
  ]
  const last = fields.findLastIndex(field => field !== undefined)
  writer.section(0x73)
  writer.compound(0xd0, () => {
    for (const field of fields.slice(0, last + 1)) {
      if (field) writer.value(field)
      else writer.nothing()
    }
    return last + 1
  })
}
