import type { Limits } from '../../../core/adapter.ts'
import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'
import { attributesOf, type Service, sizeOf } from './attributes.ts'
import { bodyText } from './body.ts'
import type { Attributes } from './calls.ts'
import { deduplicationOf, groupOf } from './fifo.ts'
import { propertiesJson } from './properties.ts'

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
  const text = bodyText(message.body, service.name)
  const group = isFifo ? groupOf(message) : undefined
  const properties = propertiesJson(message.properties, group, !service.aboveBmp)
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
