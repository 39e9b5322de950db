import type { Limits, Prepared, Sink } from '../../core/adapter.ts'
import type { Delivery } from '../../core/delivery.ts'
import { MessageRefused, toError } from '../../core/errors.ts'
import type { Headers, Message } from '../../core/message.ts'

/** How messages are sent to the place that they are read from. */
export interface Renewal {
  /** Its signal is not that of the command, which may have been told to end. */
  open(signal: AbortSignal): Promise<Sink>
  prepare(limits: Limits, message: Message): Prepared
}

/**
 * RabbitMQ drops from a quorum queue what was handed out more often than its delivery limit, 20 times by default from 4.0 on (its
 * documentation of quorum queues; in 4.0 every return counts). Well before, a message is sent anew.
 */
const most = 15

/** Milliseconds for opening, and for each that is sent anew. */
const limit = 60_000

/** So many on their way at a time. */
const atOnce = 50

/** The names of the counts, as the broker writes them beside or among the headers. */
const counts = ['x-delivery-count', 'x-acquired-count']

export function isWorn({ deliveryCount = 0, message }: Delivery): boolean {
  const written = counts.flatMap(name => [message.annotations?.[name], message.headers[name]])
  return Math.max(deliveryCount, ...written.map(v => (v && 'value' in v && Number(v.value)) || 0)) >= most
}

/**
 * Sends the messages once more, with the count at nothing, and lets the old ones go, each when its copy was confirmed: to be
 * given back once more would bring them near their end. They stand at the end of the queue then. Throws what was wrong with the
 * first that could not be sent; one that is refused keeps nobody else.
 */
export async function renew(worn: readonly Delivery[], { open, prepare }: Renewal): Promise<void> {
  const sink = await open(AbortSignal.timeout(limit))
  const renewOne = async (delivery: Delivery) => {
    await sink.send(prepare(sink.limits, plain(delivery.message)), AbortSignal.timeout(limit))
    await delivery.settle('accepted')
  }
  const errors: Error[] = []
  const isOver = () => errors.some(error => !(error instanceof MessageRefused))
  try {
    for (let i = 0; i < worn.length && !isOver(); i += atOnce) {
      const ended = await Promise.allSettled(worn.slice(i, i + atOnce).map(renewOne))
      errors.push(...ended.filter(end => end.status === 'rejected').map(({ reason }) => toError(reason)))
    }
  } finally {
    await sink.close()
  }
  if (errors[0]) throw errors[0]
}

const plain = (message: Message): Message => ({
  ...message,
  headers: Object.fromEntries(
    Object.entries(message.headers).filter(([name]) => !counts.includes(name)),
  ) as Headers,
})
