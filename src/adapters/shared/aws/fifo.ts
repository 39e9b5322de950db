import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'

/** The ids of FIFO queues and topics take 1 to 128 printable ASCII characters without the space (API reference). */
const legal = /^[!-~]{1,128}$/

/** The message's group, else where it came from: what AWS does not take is percent-encoded, so that legal ids are kept as they are. */
export function groupOf({ address, origin = address, properties }: Message): string {
  const name = properties.groupId || origin
  const group = /^[!-~]*$/.test(name) ? name : encode(name)
  if (legal.test(group)) return group
  throw new MessageRefused(
    group === ''
      ? 'a FIFO target needs a message group, and the message has neither a group id nor an address'
      : `the message group has ${group.length} characters, as far as needed percent-encoded, and AWS takes 128: ${group}`,
  )
}

/** The group in whose order a message is sent: that of AWS or, where AWS takes none of it, what it would have been made of. */
export function orderGroupOf(
  place: string,
  fifoBatches: 'one_per_group' | 'fill',
  message: Message,
): string | undefined {
  if (!place.endsWith('.fifo') || fifoBatches === 'fill') return undefined
  try {
    return groupOf(message)
  } catch {
    return message.properties.groupId || (message.origin ?? message.address)
  }
}

/**
 * The id that names the delivery; it is the same at each resend. Deduplication by content is never relied on, since it
 * takes two equal messages for one.
 */
export function deduplicationOf({ properties: { deduplicationId } }: Message): string {
  if (deduplicationId === undefined) {
    throw new MessageRefused('a FIFO target needs a deduplication id, and the message has none')
  }
  if (legal.test(deduplicationId)) return deduplicationId
  throw new MessageRefused(
    `the deduplication id ${JSON.stringify(deduplicationId)} is not 1 to 128 printable ASCII characters without spaces`,
  )
}

const encode = (name: string): string => name.toWellFormed().replace(/[^!-~]/gu, encodeURIComponent)
