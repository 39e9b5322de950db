import { setTimeout as pause } from 'node:timers/promises'
import type { Deliver, Endpoint, Limits, LinkContext, ReadBack, Source } from '../../core/adapter.ts'
import type { Outcome } from '../../core/delivery.ts'
import type { Message } from '../../core/message.ts'
import { inTurn } from '../shared/in-turn.ts'
import { onePlace, readQueue, renewedNote, wholeWindow } from '../shared/read-back.ts'
import { openBrowser } from './browse.ts'
import { StompConnection } from './connection.ts'
import { prepare, type StompLimits } from './encode.ts'
import {
  type ConnectionOptions,
  type SinkOptions,
  type SourceOptions,
  source as sourceOptions,
} from './options.ts'
import { source } from './source.ts'

/** Looks, where the broker can show messages; else takes them and gives back what is not removed. */
export async function readBack(
  given: Endpoint<ConnectionOptions, SinkOptions>,
  purpose: 'look' | 'take',
  context: LinkContext,
): Promise<ReadBack> {
  const at = { ...given, options: readOptions(given.options) }
  const { signal, report } = context
  const more = { clientId: undefined, maxMessageSize: at.options.max_message_size }
  const connection = await inTurn(at.connection.urls, signal, url =>
    StompConnection.open(url, at.connection, more, signal),
  )
  const { broker } = connection
  if (purpose === 'look' && broker === 'activemq') {
    return readQueue({ open: (deliver, own) => openBrowser(at, connection, deliver, own) }, context)
  }
  await connection.close()
  if (purpose === 'look') {
    report({
      type: 'notice',
      text: 'over STOMP only ActiveMQ Classic shows a message without handing it out',
    })
  }
  report({ type: 'notice', text: broker === 'rabbitmq' ? counts : holds })
  // On trial a source takes one message at the most.
  const renewal = {
    open: async (signal: AbortSignal) => (await import('./sink.ts')).sink.open(given, { ...context, signal }),
    prepare: (limits: Limits, message: Message) => prepare(given, limits as StompLimits, message),
  }
  return readQueue(
    {
      open: deliver => {
        const open = (own: Deliver) => source.open(at, own, { signal, report })
        return broker === 'rabbitmq' ? closedLate(open, deliver) : open(deliver)
      },
      window: wholeWindow,
      renewal,
    },
    context,
  )
}

/**
 * A quorum queue carries out many acknowledgements in its own time, says nothing of it, and gives back what it has not come to when
 * the connection ends (seen with 4.0.5: 195 of 2,000, although the receipt of DISCONNECT came).
 */
const settling = 2_000

async function closedLate(open: (deliver: Deliver) => Promise<Source>, deliver: Deliver): Promise<Source> {
  let isSettled = false
  const opened = await open(delivery => {
    const settle = (outcome: Outcome) => {
      isSettled = true
      return delivery.settle(outcome)
    }
    deliver({ ...delivery, settle })
  })
  return {
    closed: opened.closed,
    grant: (messages, bytes) => opened.grant(messages, bytes),
    stop: () => opened.stop(),
    close: async () => {
      if (isSettled) await pause(settling)
      await opened.close()
    },
  }
}

const holds = 'what is left alone is held until this ends, and then given back, marked as redelivered'

const counts = `${holds}; ${renewedNote}`

function readOptions({ queue, topic, address, max_message_size }: SinkOptions): SourceOptions {
  onePlace(queue ?? topic ?? address!)
  if (topic !== undefined) {
    throw new Error(`topic ${topic} keeps nothing: what was sent there was handed to its subscribers`)
  }
  const place = queue === undefined ? { address } : { queue }
  const options = sourceOptions.parse({ ...place, prefetch: wholeWindow })
  return max_message_size === undefined ? options : { ...options, max_message_size }
}
