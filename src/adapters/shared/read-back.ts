import type { Deliver, LinkContext, ReadBack, Source, StoredMessage } from '../../core/adapter.ts'
import type { Delivery } from '../../core/delivery.ts'
import { LinkLost } from '../../core/errors.ts'

/** So many messages, and bytes, may be on their way before the reader has taken one. */
const [window, windowBytes] = [50, 32 * 1024 * 1024]

export interface Reading {
  open(deliver: Deliver, context: LinkContext): Promise<Source>
  /** Milliseconds without a message after which there is no other: brokers do not say that a queue is empty. */
  readonly quiet: number
}

/**
 * Reads a queue as a source does: what is not removed is held unsettled, and closing gives it back. A source that closes
 * without an error has handed out everything.
 */
export async function readQueue({ open, quiet }: Reading, context: LinkContext): Promise<ReadBack> {
  const waiting: Delivery[] = []
  let wake = () => {}
  let ended: { readonly error: Error | undefined } | undefined
  const deliver = (delivery: Delivery) => {
    waiting.push(delivery)
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
    source.grant(window, windowBytes)
    for (let delivery = await next(); delivery; delivery = await next()) {
      source.grant(1, delivery.size)
      yield storedMessage(delivery)
    }
  }
  return { messages: messages(), close: () => source.close() }
}

function storedMessage(delivery: Delivery): StoredMessage {
  const { message, fault, id, deliveryCount, lost } = delivery
  const { messageId } = message.properties
  return {
    name: id ?? (messageId?.type === 'string' ? messageId.value : ''),
    message,
    ...(fault && { fault }),
    ...(deliveryCount !== undefined && { deliveryCount }),
    lost,
    remove: () => delivery.settle('accepted'),
  }
}
