import type { SourceOptions } from './options.ts'
import { artemisSends, classicSends, escapeSlash, rabbit3Sends, rabbit4Sends, type Sends } from './sends.ts'

/** Where a receiver attaches. */
export interface SourceAddress {
  readonly address: string
  readonly capabilities?: string[]
}

/** What differs between brokers that speak the same protocol. */
export interface Dialect {
  readonly broker: string
  queue(name: string, exclusive: boolean): SourceAddress
  topic(name: string): SourceAddress
  /** Milliseconds for which the broker lets a message be held. */
  readonly holdLimit: number
  /** False where draining does harm, and credit is set to zero instead. */
  readonly drains: boolean
  /** Does it know receivers that look at messages and leave them? */
  readonly browses: boolean
  /** The concrete topic of a message, from its `to`. */
  topicOf(to: string): string
  readonly sends: Sends
}

/** RabbitMQ takes a message back after 30 minutes by default (`consumer_timeout`); we are done well before. */
export const consumerTimeout = 20 * 60_000

/** The broker as it names itself in the properties of its open frame. */
export interface Product {
  readonly product?: unknown
  readonly version?: unknown
}

export function dialectOf({ product, version }: Product = {}): Dialect {
  const name = String(product ?? 'broker')
  if (name === 'ActiveMQ') return classic
  if (/artemis/i.test(name)) return artemis
  if (name === 'RabbitMQ') return Number.parseInt(String(version), 10) >= 4 ? rabbit4 : rabbit3
  return {
    ...artemis,
    broker: name,
    browses: false,
    sends: { ...artemisSends, deduplicates: false, takesUserId: false },
  }
}

/** The address that the options name, in the broker's dialect. */
export function sourceAddress(dialect: Dialect, options: SourceOptions): SourceAddress {
  if (options.address !== undefined) return { address: options.address }
  if (options.topic !== undefined) return dialect.topic(options.topic)
  return dialect.queue(options.queue!, options.exclusive)
}

const classic: Dialect = {
  broker: 'ActiveMQ',
  browses: true,
  holdLimit: Number.POSITIVE_INFINITY,
  drains: true,
  queue: (name, exclusive) => ({ address: `queue://${name}${exclusive ? '?consumer.exclusive=true' : ''}` }),
  topic: name => ({ address: `topic://${name}` }),
  topicOf: to => to.replace(/^topic:\/\//, ''),
  sends: classicSends,
}

/** Also for brokers nobody has named: capabilities are how JMS clients say queue or topic (IBM MQ needs `queue`). */
const artemis: Dialect = {
  broker: 'Artemis',
  browses: true,
  holdLimit: Number.POSITIVE_INFINITY,
  drains: true,
  queue: name => ({ address: name, capabilities: ['queue'] }),
  topic: name => ({ address: name, capabilities: ['topic'] }),
  topicOf: to => to,
  sends: artemisSends,
}

const rabbit4: Dialect = {
  broker: 'RabbitMQ 4',
  browses: false,
  holdLimit: consumerTimeout,
  drains: true,
  queue: name => ({ address: `/queues/${encodeURIComponent(name)}` }),
  topic: () => {
    throw new Error(
      'RabbitMQ 4 has no topics to read from: bind a queue to the exchange and name that under queue',
    )
  },
  topicOf: to => to,
  sends: rabbit4Sends,
}

/**
 * Version 1 addresses: `/amq/queue/` must exist, `/queue/` would be declared. Draining a classic queue ends the session
 * with an internal error (function_clause in rabbit_classic_queue, seen with 3.10).
 */
const rabbit3: Dialect = {
  broker: 'RabbitMQ 3',
  browses: false,
  holdLimit: consumerTimeout,
  drains: false,
  queue: name => ({ address: `/amq/queue/${escapeSlash(name)}` }),
  topic: name => ({ address: `/topic/${escapeSlash(name)}` }),
  topicOf: to => to,
  sends: rabbit3Sends,
}
