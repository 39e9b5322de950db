import type { Message } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'

/**
 * Artemis hands out, among the headers of a message that a client of ActiveMQ Classic has sent (OpenWire), what it noted of
 * it: seven that no application wrote (seen with 2.40). They become annotations. One of them is the JMSMessageID as its sender
 * knows it, which is the message's id: a requester without correlation ids waits for it.
 */
export function withoutOpenWireNotes(message: Message): Message {
  const { properties, headers, annotations } = message
  const id = Object.hasOwn(headers, messageId) ? headers[messageId] : undefined
  if (id?.type !== 'string') return message
  const entries = Object.entries(headers)
  const own = entries.filter(([name, value]) => !isNote(name, value))
  const notes = entries.filter(([name, value]) => isNote(name, value))
  return {
    ...message,
    properties: { ...properties, messageId: id },
    headers: Object.fromEntries(own),
    annotations: { ...annotations, ...Object.fromEntries(notes) },
  }
}

const messageId = '__HDR_MESSAGE_ID'

const isNote = (name: string, { type }: Value): boolean =>
  name.startsWith('__HDR_') || name === '__AMQ_CID' || (name === 'JMSXDeliveryCount' && type === 'null')
