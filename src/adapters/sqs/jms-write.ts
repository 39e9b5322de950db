import { MessageRefused } from '../../core/errors.ts'
import { numberText } from '../../core/json/typed-json.ts'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { attributeOf, sqs } from '../shared/aws/attributes.ts'
import type { Attribute, Attributes } from '../shared/aws/calls.ts'
import { isBody, type Written } from '../shared/aws/encode.ts'
import { bodyAsText } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { widened } from '../shared/carriage/jms.ts'
import type { BodyNote } from '../shared/carriage/properties.ts'
import { parseQueue, urlOf } from './queue.ts'

/** The attributes of the Amazon SQS Java Messaging Library (SQSMessage.java and SQSMessagingClientConstants.java of 2.1.4). */
export const names = {
  type: 'JMS_SQSMessageType',
  replyToName: 'JMS_SQSReplyToQueueName',
  replyToUrl: 'JMS_SQSReplyToQueueURL',
  correlationId: 'JMS_SQSCorrelationID',
  group: 'JMSXGroupID',
  sequence: 'JMSXGroupSeq',
} as const

/**
 * A message as that library's consumers read it. What JMS has no word for there (priority, expiry, JMSType) stands in
 * `sluice_properties`, which they see as one more property, with the types of headers that JMS knows by another.
 * Throws MessageRefused for a body that the library has no kind for: it would hand it out for ever, or never.
 */
export function jms(message: Message, isFifo: boolean): Written {
  const { text, note, type } = bodyOf(message.body)
  const types = typesOf(message.headers)
  const { own, placed } = ownAttributes(message, isFifo)
  return {
    text,
    notes: types === undefined ? note : { ...note, headers: types },
    headers: withoutRepeated(message.headers, own),
    attribute: value => attributeFor(propertyOf(value)),
    own: { [names.type]: string(type), ...own },
    hasPlace: name => placed.includes(name),
  }
}

function bodyOf(body: Body): {
  readonly text: string
  readonly note: BodyNote
  readonly type: 'text' | 'byte' | 'object'
} {
  switch (body.kind) {
    case 'bytes':
    case 'object': {
      const { bytes, kind } = body
      // The library reads no base64 of nothing, and SQS takes no body without a character.
      if (bytes.length === 0) throw refused('an empty body of bytes')
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
      return { text, note: {}, type: kind === 'bytes' ? 'byte' : 'object' }
    }
    case 'none':
    case 'text':
      if (body.kind === 'text' && body.text !== '' && !isBody(body.text))
        throw refused('a text with characters that SQS refuses')
      return { ...bodyAsText(body, isBody), type: 'text' }
    default:
      throw refused(`a ${body.kind} as its body`)
  }
}

const refused = (what: string) =>
  new MessageRefused(
    `the message has ${what}, which \`format: jms\` cannot carry: a rule such as \`encode: { format: json }\` or ` +
      '`encode: { format: base64 }` makes a text of it',
  )

/** The types of headers that JMS consumers see as another one. */
function typesOf(headers: Headers): Readonly<Record<string, string>> | undefined {
  const changed = Object.entries(headers).filter(([, value]) => propertyOf(value).type !== value.type)
  return changed.length === 0
    ? undefined
    : Object.fromEntries(changed.map(([name, value]) => [name, value.type]))
}

/** For a type that JMS does not have: the next wider number, or text. */
function propertyOf(value: Value): Value {
  switch (value.type) {
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
    case 'timestamp':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal':
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      return widened(value) ?? asText(value)
    default:
      return value
  }
}

function asText(value: Value): Value {
  const { text, type } = headerAsText(value, isBody)
  return type === 'json' ? value : { type: 'string', value: text }
}

/** Exactly the types that the library has; an unknown label makes a String of a number there. */
function attributeFor(value: Value): Attribute | string {
  switch (value.type) {
    case 'bool':
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
      return attributeOf(value, sqs)
    case 'float32':
    case 'float64':
      return { ...attributeOf(value, sqs), ...asNumber(value) }
    case 'string':
      if (isBody(value.value)) return string(value.value)
      return 'JMS on SQS has no property that is empty or has characters that SQS refuses'
    default:
      return `JMS has no property that is ${value.type === 'bytes' ? 'bytes without any' : `a ${value.type}`}`
  }
}

/** Without an exponent, which not every Number of SQS may have, as far as its 38 digits go. */
function asNumber(value: Value & { readonly type: 'float32' | 'float64' }): Partial<Attribute> {
  const text = numberText(value.value)
  const [, sign, whole, fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  if (exponent === undefined) return {}
  const digits = `${whole}${fraction}`
  const point = whole!.length + Number(exponent)
  const StringValue =
    point <= 0 ? `${sign}0.${'0'.repeat(-point)}${digits}` : `${sign}${digits.padEnd(point, '0')}`
  if (StringValue.length > 38) return {}
  return { DataType: value.type === 'float32' ? 'Number.float' : 'Number.double', StringValue }
}

/** Correlation id, reply address and group, as far as the library can say them, and which properties need no other place then. */
function ownAttributes({ properties, headers }: Message, isFifo: boolean) {
  const { correlationId, replyTo, groupId, groupSequence } = properties
  const own: Record<string, Attribute> = {}
  const placed: (keyof Properties)[] = []
  const id = correlationId && headerAsText(correlationId, isBody)
  if (id && id.type !== 'json') {
    own[names.correlationId] = string(id.text)
    if (id.type === undefined) placed.push('correlationId')
  }
  const queue = replyTo === undefined ? undefined : parseQueue(replyTo)
  const url = queue && urlOf(queue)
  if (queue && url !== undefined) {
    own[names.replyToName] = string(queue.name)
    own[names.replyToUrl] = string(url)
    if (url === replyTo) placed.push('replyTo')
  }
  // Of a FIFO queue the library has it from the message group.
  if (!isFifo && groupId !== undefined && isBody(groupId) && !Object.hasOwn(headers, names.group)) {
    own[names.group] = string(groupId)
    placed.push('groupId')
  }
  if (isInt32(groupSequence) && !Object.hasOwn(headers, names.sequence)) {
    own[names.sequence] = attributeOf({ type: 'int32', value: groupSequence }, sqs)
    placed.push('groupSequence')
  }
  return { own: own as Attributes, placed: placed as readonly (keyof Properties)[] }
}

/** What a service without correlation ids finds in headers (route/reply) stands in the library's own attributes already. */
const repeated = { sluice_reply_token: names.correlationId, sluice_reply_to: names.replyToUrl } as const

function withoutRepeated(headers: Headers, own: Attributes): Headers {
  const isRepeated = (name: string, value: Value | undefined, by: string) =>
    Object.hasOwn(headers, name) && value?.type === 'string' && value.value === own[by]?.StringValue
  const left = Object.entries(repeated).filter(([name, by]) => isRepeated(name, headers[name], by))
  if (left.length === 0) return headers
  const names = left.map(([name]) => name)
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)))
}

const isInt32 = (n: number | undefined): n is number => n !== undefined && (n | 0) === n

const string = (text: string): Attribute => ({ DataType: 'String', StringValue: text })
