import { createHash, randomUUID } from 'node:crypto'
import type { Delivery } from '../core/delivery.ts'
import type { Message } from '../core/message.ts'
import { entriesToJson, toTypedJson } from './dead-letter/typed-json.ts'

/**
 * Names a delivery for `Properties.deduplicationId`: the same name when its broker delivers the message again, another
 * one for every other message. Without an id of the broker's nothing tells a repetition from an equal message, so the
 * name is random. With one, body and headers are hashed along: brokers pass on ids that applications wrote, and two
 * different messages that share one must both arrive.
 */
export function deliveryId(
  connectionName: string,
  { id, message }: Pick<Delivery, 'id' | 'message'>,
): string {
  if (id === undefined) return randomUUID()
  const hash = createHash('sha256').update(`${connectionName}\0${message.address}\0${id}\0`)
  return hash.update(bodyOf(message)).update(headersOf(message)).digest('hex')
}

/** The message with the name of its delivery. */
export function named(connectionName: string, delivery: Pick<Delivery, 'id' | 'name' | 'message'>): Message {
  const { message, name: deduplicationId = deliveryId(connectionName, delivery) } = delivery
  return { ...message, properties: { ...message.properties, deduplicationId } }
}

function bodyOf({ body }: Message): string | Uint8Array {
  switch (body.kind) {
    case 'text':
      return body.text
    case 'bytes':
    case 'object':
      return body.bytes
    case 'map':
      return JSON.stringify(entriesToJson(body.entries))
    case 'list':
      return JSON.stringify(body.items.map(toTypedJson))
    case 'none':
      return ''
  }
}

/** By name, since a broker may hand them out in another order the next time. */
function headersOf({ headers }: Message): string {
  const names = Object.keys(headers).sort()
  return JSON.stringify(names.map(name => [name, toTypedJson(headers[name]!)]))
}
