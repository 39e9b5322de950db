import type { Endpoint, Limits, LinkContext, ReadBack } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { onePlace, readQueue, renewedNote, wholeWindow } from '../shared/read-back.ts'
import { type AmqpLimits, prepare } from './encode.ts'
import { type ConnectionOptions, type SinkOptions, type SourceOptions, sourceOptions } from './options.ts'
import { source } from './source.ts'

/**
 * Takes, since AMQP 0-9-1 shows nothing otherwise, by one consumer and without an acknowledgement: the end of its channel gives
 * back what is not removed, in its order.
 */
export async function readBack(
  at: Endpoint<ConnectionOptions, SinkOptions>,
  purpose: 'look' | 'take',
  context: LinkContext,
): Promise<ReadBack> {
  const from = { ...at, options: readOptions(at.options) }
  if (purpose === 'look') context.report({ type: 'notice', text: shows })
  context.report({ type: 'notice', text: counts })
  const renewal = {
    open: async (signal: AbortSignal) => (await import('./sink.ts')).sink.open(at, { ...context, signal }),
    prepare: (limits: Limits, message: Message) => prepare(at, limits as AmqpLimits, message),
  }
  return readQueue(
    { open: (deliver, own) => source.open(from, deliver, own), window: wholeWindow, renewal },
    context,
  )
}

const shows = 'AMQP 0-9-1 shows no message without handing it out'

const counts =
  `what is left alone is held until this ends, at most ${wholeWindow} messages, and then goes back to where it was in the queue, ` +
  `marked as redelivered; ${renewedNote}`

function readOptions({ queue, address, exchange }: SinkOptions): SourceOptions {
  const written = onePlace(queue ?? address ?? exchange!)
  if (exchange !== undefined) {
    throw new Error(
      `exchange ${exchange} keeps nothing: name the queue that is bound to it as the dead-letter place`,
    )
  }
  // One consumer for all, see whole-window.ts; the queue need not be declared so.
  return sourceOptions.parse({ queue: written, prefetch: wholeWindow, single_active_consumer: true })
}
