import { MessageRefused } from '../../core/errors.ts'
import type { HeaderList } from './codec.ts'
import { type Broker, destinationOf } from './dialect.ts'
import type { Place, SinkOptions } from './options.ts'

/** Where one message goes. */
export interface Target {
  readonly destination: string
  /** What else the broker has to be told for that. */
  readonly more: HeaderList
  /** For sentences: `queue X`. */
  readonly spoken: string
  /** A queue that RabbitMQ would not miss if it were missing: what is sent there would be confirmed, and lost. */
  readonly unseen?: string
}

/** The target of a message with this address, which is what a template came to or is as the options say. */
export function targetOf(broker: Broker, options: SinkOptions, address: string): Target {
  const place = placeOf(options, address)
  const spoken = describe(place)
  if (address === '' || address.includes('\0') || !address.isWellFormed()) {
    throw new MessageRefused(`${JSON.stringify(address)} is no name of a place to send to`)
  }
  if (place.address !== undefined) return { ...raw(broker, place.address), spoken }
  const destination = destinationOf(broker, place)
  if (broker === 'artemis') {
    // Without it Artemis makes a new address one of topics, where nobody listens.
    const type = place.queue === undefined ? 'MULTICAST' : 'ANYCAST'
    return { destination, more: [['destination-type', type]], spoken }
  }
  const isUnseen = broker === 'rabbitmq' && place.queue !== undefined
  return { destination, more: [], spoken, ...(isUnseen && { unseen: place.queue }) }
}

const placeOf = ({ queue, topic }: SinkOptions, address: string): Place =>
  queue !== undefined ? { queue: address } : topic !== undefined ? { topic: address } : { address }

/** As it is, but for the reply-to of AMQP on RabbitMQ, which is the bare name of a queue: that would be declared. */
function raw(broker: Broker, address: string): Pick<Target, 'destination' | 'more'> {
  if (broker !== 'artemis' && /^\/temp-(queue|topic)\//.test(address)) {
    throw new MessageRefused(
      `${address} is whatever the connection that says it calls so, and nobody reads it on this one: the reply-to that the broker hands to consumers names it for all`,
    )
  }
  if (broker === 'rabbitmq' && !address.startsWith('/')) {
    return { destination: destinationOf(broker, { queue: address }), more: [] }
  }
  return { destination: address, more: [] }
}

/** The place for people, as it was configured. */
export function describe({ queue, topic, address }: Place): string {
  if (queue !== undefined) return `queue ${queue}`
  return topic !== undefined ? `topic ${topic}` : address!
}
