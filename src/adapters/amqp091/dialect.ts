import { MessageRefused } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import type { SinkOptions } from './options.ts'

/** Where a message is published. The default exchange, which is '', has every queue by its name for a routing key. */
export interface Place {
  readonly exchange: string
  readonly routingKey: string
}

/**
 * Between an exchange and a routing key in the address of a message. Either may hold any character, and what a message
 * brings must not move the border.
 */
const border = '\0'

/** The address as a template: of a queue its name, of an exchange both of its parts. */
export function addressOf({ queue, address, exchange, routing_key }: SinkOptions): string {
  return queue ?? address ?? `${exchange}${border}${routing_key ?? ''}`
}

/** The place that the address of a message names. Throws MessageRefused for one that cannot be. */
export function placeOf({ exchange }: SinkOptions, address: string): Place {
  if (exchange === undefined) return { exchange: '', routingKey: address }
  const [name = '', routingKey = '', ...more] = address.split(border)
  if (more.length > 0) throw new MessageRefused('the exchange or the routing key holds a NUL')
  if (name === '') throw new MessageRefused('the exchange comes to nothing for this message')
  return { exchange: name, routingKey }
}

/** Does the same message go to the same place whoever it is? */
export const isFixed = (options: SinkOptions): boolean => !isTemplate(addressOf(options))

export const hasFixedExchange = ({ exchange = '' }: SinkOptions): boolean => !isTemplate(exchange)

/** Could a message sent to the address, as a target has it written, come to the queue? Bindings are not known. */
export function leadsTo(queue: string, address: string): boolean {
  if (address.includes(border)) return true
  if (!isTemplate(address)) return address === queue
  const before = address.slice(0, address.indexOf('${'))
  const behind = address.slice(address.lastIndexOf('}') + 1)
  return queue.length >= before.length + behind.length && queue.startsWith(before) && queue.endsWith(behind)
}

/** A client that waits for replies without a queue of its own (RabbitMQ's "direct reply-to"). */
export const isWaitingRequester = ({ exchange, routingKey }: Place): boolean =>
  exchange === '' && routingKey.startsWith('amq.rabbitmq.reply-to.')

/** For people. */
export const placeText = ({ exchange, routingKey }: Place): string =>
  exchange === ''
    ? `queue ${routingKey}`
    : `exchange ${exchange} with routing key ${JSON.stringify(routingKey)}`

/** What RabbitMQ writes on dead-lettering, redelivery, federation, shovelling and reading a stream. */
const brokers =
  /^x-(?:death|(?:first|last)-death-.*|delivery-count|acquired-count|received-from|shovelled.*|stream-offset)$/

export const writtenByBroker = (name: string): boolean => name.startsWith('x-') && brokers.test(name)

/**
 * Headers that would not be an application's own on the broker: RabbitMQ sends copies wherever `CC` and `BCC` say and
 * has names of its own; and one name is ours. They travel as `sluice_` and their name.
 */
const isTaken = (name: string): boolean =>
  name === 'CC' || name === 'BCC' || name === 'sluice_properties' || writtenByBroker(name)

const prefix = 'sluice_'

const isMovable = (name: string): boolean =>
  isTaken(name) || (name.startsWith(prefix) && isMovable(name.slice(prefix.length)))

export const writtenName = (name: string): string => (isMovable(name) ? prefix + name : name)

/** The inverse, for headers that a sink of ours has written. */
export const readName = (name: string): string =>
  name.startsWith(prefix) && isMovable(name.slice(prefix.length)) ? name.slice(prefix.length) : name
