import type { Deliver, LinkContext, ReadBack, Source, StoredMessage } from '../../core/adapter.ts'
import type { Delivery } from '../../core/delivery.ts'
import { LinkLost, sentence } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import { isWorn, type Renewal, renew } from './renew.ts'

/** Milliseconds without a message after which there is no other: brokers do not say that a queue is empty. */
const usualQuiet = 3_000

/** Where the broker hands out all that it may at once, it is in memory here: what stays cannot be more. */
export const wholeWindow = 2_000

/** What people should know of a queue of which what stays is handed out and given back. */
export const renewedNote =
  'what a quorum queue has handed out fifteen times is sent anew to its end, before it reaches the delivery limit of the queue (20 by ' +
  'default from RabbitMQ 4.0 on)'

/** The place as it is written, which must be one place. Throws. */
export function onePlace(written: string): string {
  if (isTemplate(written))
    throw new Error(`each message chooses its place by ${written}, and not all of those are known`)
  return written
}

/** So many messages, and bytes, may be on their way before the reader has taken one. */
const [usualWindow, windowBytes] = [50, 32 * 1024 * 1024]

export interface Reading {
  open(deliver: Deliver, context: LinkContext): Promise<Source>
  /** Milliseconds, where it takes longer than usual to tell that there is no other. */
  readonly quiet?: number
  /** All that the broker may hand out, where it does so at once: what waits here unseen would be handed out as well. */
  readonly window?: number
  /** Where a broker drops what was handed out too often. */
  readonly renewal?: Renewal
}

/**
 * Reads a queue as a source does: what is not removed is held unsettled, and closing gives it back. A source that closes
 * without an error has handed out everything.
 */
export async function readQueue(
  { open, quiet = usualQuiet, window, renewal }: Reading,
  context: LinkContext,
): Promise<ReadBack> {
  const waiting: Delivery[] = []
  const worn = new Set<Delivery>()
  /** The broker may still hand out so many. */
  let expected = window ?? usualWindow
  let wake = () => {}
  let ended: { readonly error: Error | undefined } | undefined
  const deliver = (delivery: Delivery) => {
    waiting.push(delivery)
    expected--
    if (renewal && isWorn(delivery)) worn.add(delivery)
    wake()
  }
  const source = await open(deliver, context)
  void source.closed.then(error => {
    ended = { error }
    wake()
  })

  /** The next, or undefined when nothing came for so long. */
  async function next(): Promise<Delivery | undefined> {
    if (waiting.length === 0 && !ended) {
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>(resolve => {
        wake = resolve
        timer = setTimeout(resolve, quiet)
      })
      clearTimeout(timer)
    }
    if (ended?.error) throw new LinkLost('the link to the place was lost', { cause: ended.error })
    return waiting.shift()
  }

  async function* messages(): AsyncGenerator<StoredMessage> {
    source.grant(window ?? usualWindow, window === undefined ? windowBytes : Number.POSITIVE_INFINITY)
    for (let delivery = await next(); delivery; delivery = await next()) {
      source.grant(1, delivery.size)
      if (window === undefined) expected++
      yield storedMessage(delivery, () => {
        worn.delete(delivery)
        if (window !== undefined) expected++
      })
    }
  }

  /** What is on its way when the reading ends was handed out as well, and is worn where the first ones are. */
  async function allThatComes(): Promise<void> {
    waiting.length = 0
    while (expected > 0 && !ended && (await next())) waiting.length = 0
  }

  async function close(): Promise<void> {
    if (worn.size > 0) await allThatComes().catch(() => {})
    const left = [...worn].filter(({ lost }) => !lost.aborted)
    worn.clear()
    try {
      if (renewal && left.length > 0) await renew(left, renewal)
    } catch (error) {
      const text = `what was handed out often is near its delivery limit, and could not be sent anew: ${sentence(error)}`
      context.report({ type: 'notice', text })
    }
    await source.close()
  }
  return { messages: messages(), close }
}

function storedMessage(delivery: Delivery, removed: () => void): StoredMessage {
  const { message, fault, id, deliveryCount, lost } = delivery
  const { messageId } = message.properties
  return {
    name: id ?? (messageId?.type === 'string' ? messageId.value : ''),
    message,
    ...(fault && { fault }),
    ...(deliveryCount !== undefined && { deliveryCount }),
    lost,
    remove: async () => {
      removed()
      await delivery.settle('accepted')
    },
  }
}
