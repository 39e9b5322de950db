import type { Endpoint, Limits, LinkContext, ReadBack } from '../../core/adapter.ts'
import type { Message } from '../../core/message.ts'
import { onePlace, readQueue, renewedNote } from '../shared/read-back.ts'
import { openBrowser } from './browse.ts'
import { writtenAddress } from './destination.ts'
import { prepare } from './encode.ts'
import { beside, holdLimit, leaseConnection } from './lease.ts'
import { type ConnectionOptions, type SinkOptions, type SourceOptions, sourceOptions } from './options.ts'
import { openSource } from './source.ts'

/** Looks, where the broker can show messages; else takes them and gives back what is not removed. */
export async function readBack(
  given: Endpoint<ConnectionOptions, SinkOptions>,
  purpose: 'look' | 'take',
  context: LinkContext,
): Promise<ReadBack> {
  const at = { ...given, connection: beside(given.connection), options: readOptions(given.options) }
  const lease = await leaseConnection(at, context.signal)
  const { dialect } = lease.connection
  if (purpose === 'look' && dialect.browses) {
    return readQueue({ open: (deliver, own) => openBrowser(at, lease, deliver, own) }, context)
  }
  try {
    if (purpose === 'look') {
      context.report({ type: 'notice', text: `${dialect.broker} shows no message without handing it out` })
    }
    if (Number.isFinite(holdLimit(at.connection))) context.report({ type: 'notice', text: counts })
    const to = { ...given, connection: at.connection }
    const renewal = {
      open: async (signal: AbortSignal) => (await import('./sink.ts')).openSink(to, { ...context, signal }),
      prepare: (limits: Limits, message: Message) => prepare(to, limits, message),
    }
    return await readQueue({ open: (deliver, own) => openSource(at, deliver, own), renewal }, context)
  } finally {
    await lease.release()
  }
}

const counts = `what is left alone is held until this ends, and then given back; ${renewedNote}`

function readOptions(options: SinkOptions): SourceOptions {
  const { queue, address, format } = options
  const written = onePlace(writtenAddress(options))
  if (queue === undefined && address === undefined) {
    throw new Error(`${written} keeps nothing: read the queue that is bound to it, as a dead-letter place`)
  }
  const place = queue === undefined ? { address } : { queue }
  return sourceOptions.parse({ ...place, format, prefetch: 65_535 })
}
