import { MessageRefused } from '../../core/errors.ts'
import type { Body, Message } from '../../core/message.ts'
import { text, type Value } from '../../core/value.ts'
import { names } from './jms-write.ts'

/**
 * The JMS message that a message of the Amazon SQS Java Messaging Library stands for: its kind of body, correlation id, reply
 * address (the queue's URL) and group, and its JMSMessageID. Without the library's attributes it is a text, as the
 * library takes it. Throws MessageRefused for what the library would hand out again for ever.
 */
export function readJms(message: Message): Message {
  const { headers: all, properties } = message
  const stringOf = (name: string) => {
    const value = Object.hasOwn(all, name) ? all[name] : undefined
    return value?.type === 'string' ? value.value : undefined
  }
  const headers: Record<string, Value> = { ...all }
  const correlationId = stringOf(names.correlationId)
  const [replyTo, replyToName] = [stringOf(names.replyToUrl), stringOf(names.replyToName)]
  const group = stringOf(names.group)
  const sequence = Object.hasOwn(all, names.sequence) ? all[names.sequence] : undefined
  delete headers[names.type]
  if (correlationId !== undefined) delete headers[names.correlationId]
  const hasReplyTo = replyTo !== undefined && replyToName !== undefined
  if (hasReplyTo) delete headers[names.replyToUrl]
  if (hasReplyTo) delete headers[names.replyToName]
  // The group that SQS itself has counts; another one stays a header.
  if (group !== undefined && group === (properties.groupId ?? group)) delete headers[names.group]
  if (sequence?.type === 'int32') delete headers[names.sequence]
  const { messageId } = properties
  return {
    ...message,
    body: bodyOf(message.body, all[names.type]),
    headers,
    properties: {
      ...(group !== undefined && { groupId: group }),
      ...properties,
      ...(messageId?.type === 'string' && { messageId: text(`ID:${messageId.value}`) }),
      ...(correlationId !== undefined && { correlationId: text(correlationId) }),
      ...(hasReplyTo && { replyTo }),
      ...(sequence?.type === 'int32' && { groupSequence: sequence.value }),
    },
  }
}

function bodyOf(body: Body, type: Value | undefined): Body {
  const kind = type?.type === 'string' ? type.value : type && 'another type'
  if (kind === undefined || kind === 'text') return body
  if (kind !== 'byte' && kind !== 'object') {
    throw new MessageRefused(
      `${names.type} is ${JSON.stringify(kind)}, and \`format: jms\` knows text, byte and object`,
    )
  }
  const written = body.kind === 'text' ? body.text : ''
  const bytes = Buffer.from(written, 'base64')
  if (bytes.length === 0 || bytes.toString('base64') !== written) {
    throw new MessageRefused(
      `${names.type} says ${kind}, and the body is no base64, as \`format: jms\` has it`,
    )
  }
  return { kind: kind === 'byte' ? 'bytes' : 'object', bytes }
}
