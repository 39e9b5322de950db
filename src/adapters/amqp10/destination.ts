import { MessageRefused } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import type { SinkOptions } from './options.ts'
import type { Place, Sends } from './sends.ts'

/** Where messages go, as it is written: a template, or one fixed place. */
export function writtenAddress({ queue, topic, address, exchange, routing_key: key }: SinkOptions): string {
  if (exchange === undefined) return (queue ?? topic ?? address)!
  if (key === undefined) return exchange
  return isTemplate(exchange) ? `${exchange}/${key}` : key
}

/** Is the place chosen by each message, so that one which is missing is the message's fault? */
export const isChosen = (options: SinkOptions): boolean => isTemplate(writtenAddress(options))

/** The place in the broker's dialect; `address` is what the template came to. */
export function placeOf(sends: Sends, options: SinkOptions, address: string): Place {
  const { queue, topic, exchange, routing_key: key } = options
  const to = isTemplate(writtenAddress(options)) ? address : writtenAddress(options)
  if (!to.isWellFormed()) throw new MessageRefused(`the address ${JSON.stringify(to)} is no text`)
  if (queue !== undefined) return sends.queue(to)
  if (topic !== undefined) return sends.topic(to)
  if (exchange === undefined) return sends.address(to)
  if (key === undefined) return sends.exchange(to, undefined)
  if (!isTemplate(exchange)) return sends.exchange(exchange, to)
  const slash = to.indexOf('/')
  return sends.exchange(to.slice(0, slash), to.slice(slash + 1))
}
