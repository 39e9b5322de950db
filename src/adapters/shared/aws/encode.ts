import type { Limits } from '../../../core/adapter.ts'
import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'
import { bodyAsText } from '../carriage/body.ts'
import { propertiesJson } from '../carriage/properties.ts'
import { attributesOf, type Service, sizeOf } from './attributes.ts'
import type { Attributes } from './calls.ts'
import { deduplicationOf, groupOf } from './fifo.ts'
import { isPlain } from './text.ts'

/** What the entries of both services are made of, checked against every rule that they have in common. */
export interface Encoded {
  readonly text: string
  readonly attributes: { readonly MessageAttributes?: Attributes }
  /** Empty for a standard queue or topic: a group there would ask for fair queues. */
  readonly fifo: { readonly MessageGroupId?: string; readonly MessageDeduplicationId?: string }
  /** Bytes as the service counts them. */
  readonly size: number
}

export function encode(message: Message, service: Service, isFifo: boolean, limits: Limits): Encoded {
  const { text, note } = bodyAsText(message.body, isBody)
  const group = isFifo ? groupOf(message) : undefined
  const hasPlace = (name: string) => name === 'groupId' && message.properties.groupId === group
  const properties = propertiesJson(message.properties, hasPlace, note, !service.aboveBmp)
  const attributes = attributesOf(message.headers, properties, service)
  const own = sizeOf(attributes)
  const size = Buffer.byteLength(text) + own
  if (size > limits.maxMessageSize) {
    throw new MessageRefused(
      `the message has ${size} bytes with its attributes, and ${service.name} takes ${limits.maxMessageSize} there`,
    )
  }
  return {
    text,
    attributes: own === 0 ? {} : { MessageAttributes: attributes },
    fifo:
      group === undefined ? {} : { MessageGroupId: group, MessageDeduplicationId: deduplicationOf(message) },
    size,
  }
}

/** A body may not be empty, and has the characters that an attribute may have. */
const isBody = (text: string): boolean => text !== '' && isPlain(text)
