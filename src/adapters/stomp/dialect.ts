import type { HeaderList } from './codec.ts'
import type { Place, SourceOptions } from './options.ts'

/** Whose STOMP it is: destinations, windows and durable subscriptions are spelt by each broker in its own way. */
export type Broker = 'activemq' | 'artemis' | 'rabbitmq' | 'other'

/** By the `server` header of CONNECTED. Artemis calls itself `ActiveMQ-Artemis/2.x`, Classic `ActiveMQ/5.x`. */
export function brokerOf(server: string | undefined): Broker {
  if (server === undefined) return 'other'
  if (/artemis/i.test(server)) return 'artemis'
  if (/^activemq/i.test(server)) return 'activemq'
  return /^rabbitmq/i.test(server) ? 'rabbitmq' : 'other'
}

/**
 * What the broker calls the place. On RabbitMQ `/queue/X` would declare X, so that a misspelt name became a new and
 * empty queue: `/amq/queue/X` is the queue that exists. Artemis takes bare names, whatever prefixes its acceptor has.
 */
export function destinationOf(broker: Broker, { queue, topic, address }: Place): string {
  if (address !== undefined) return address
  if (broker === 'artemis') return queue ?? topic!
  if (queue === undefined) return `/topic/${escapeName(broker, topic!)}`
  return `${broker === 'rabbitmq' ? '/amq/queue/' : '/queue/'}${escapeName(broker, queue)}`
}

/** RabbitMQ splits destinations at slashes and decodes percent escapes. */
const escapeName = (broker: Broker, name: string): string =>
  broker === 'rabbitmq' ? name.replace(/[%/]|[^\0-\x7f]+/g, encodeURIComponent) : name

/** The SUBSCRIBE frame's headers but `receipt`. */
export function subscribeHeaders(broker: Broker, options: SourceOptions): HeaderList {
  const { topic, subscription, selector, prefetch } = options
  const headers: [string, string][] = [
    ['id', subscriptionId(options)],
    ['destination', destinationOf(broker, options)],
    ['ack', 'client-individual'],
  ]
  if (selector !== undefined) headers.push(['selector', selector])
  if (broker === 'artemis') {
    headers.push(['consumer-window-size', String(prefetch === 1 ? 0 : options.prefetch_bytes)])
    if (options.address === undefined) {
      headers.push(['subscription-type', topic === undefined ? 'ANYCAST' : 'MULTICAST'])
    }
    if (subscription !== undefined) headers.push(['durable-subscription-name', subscription])
    return headers
  }
  if (broker !== 'rabbitmq') {
    headers.push(['activemq.prefetchSize', String(prefetch)])
    if (subscription !== undefined) headers.push(['activemq.subscriptionName', subscription])
    if (options.transformation !== undefined) headers.push(['transformation', options.transformation])
    if (options.exclusive) headers.push(['activemq.exclusive', 'true'])
  }
  if (broker !== 'activemq') {
    headers.push(['prefetch-count', String(prefetch)])
    if (subscription !== undefined) headers.push(['durable', 'true'], ['auto-delete', 'false'])
  }
  return headers
}

/** On RabbitMQ the id is the name of the durable subscription, so it has to stay the same. */
const subscriptionId = ({ subscription }: SourceOptions): string => subscription ?? 'sluice'
