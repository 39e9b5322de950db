import type { SinkKind } from '../../core/adapter.ts'
import { inTurn } from '../shared/in-turn.ts'
import { StompConnection } from './connection.ts'
import { addressOf, maxSizeOf, prepare, type StompLimits, type StompPrepared } from './encode.ts'
import { type ConnectionOptions, sink as options, type SinkOptions } from './options.ts'
import { readBack } from './read-back.ts'
import { SendingLink } from './sending-link.ts'
import { show, usualLimits } from './show.ts'

/** Frames of the broker are small here: receipts, and errors with a stack trace. */
const maxAnswer = 1024 * 1024

export const sink: SinkKind<ConnectionOptions, SinkOptions, StompPrepared> = {
  readBack,
  options,
  address: at => addressOf(at.options),
  prepare,
  usualLimits,
  show,
  async open(at, context) {
    const more = { clientId: undefined, maxMessageSize: maxAnswer }
    const connection = await inTurn(at.connection.urls, context.signal, url =>
      StompConnection.open(url, at.connection, more, context.signal),
    )
    const link = new SendingLink(connection, at, limitsOf(connection, at.options), context)
    try {
      await link.checkQueue()
      context.signal.throwIfAborted()
      return link
    } catch (error) {
      await link.close()
      context.signal.throwIfAborted()
      throw error
    }
  },
}

function limitsOf({ broker, version, server }: StompConnection, options: SinkOptions): StompLimits {
  const isSmall = broker === 'rabbitmq' && Number(/\/(\d+)/.exec(server)?.[1] ?? 4) >= 4
  return { maxMessageSize: maxSizeOf(isSmall, options), broker, version }
}
