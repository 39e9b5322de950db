import { MessageRefused } from '../../core/errors.ts'
import { isAscii } from './writable.ts'

/** What a JMS client of the broker would call the place: the bytes of `x-opt-jms-dest` and `x-opt-jms-reply-to`. */
export const jmsKinds = { queue: 0, topic: 1, 'temp-queue': 2, 'temp-topic': 3 } as const
export type JmsKind = keyof typeof jmsKinds

/** Where messages go, as the broker spells it. */
export interface Place {
  readonly address: string
  readonly capabilities?: readonly string[]
  readonly kind?: JmsKind
}

/** What differs between brokers that are sent to. */
export interface Sends {
  queue(name: string): Place
  topic(name: string): Place
  /** Throws where the broker has no exchanges. */
  exchange(name: string, key: string | undefined): Place
  /** What somebody wrote in the broker's own dialect, or what a requester gave as its address. */
  address(written: string): Place
  /** The same as the address for answers, which the broker does not look at. */
  replyTo(written: string): Place
  /**
   * How the broker turns messages into those of JMS, so that headers and bodies have to be such as it can turn: ActiveMQ
   * Classic before it stores them, Artemis when a JMS client reads them.
   */
  readonly jms: 'when it comes' | 'when it is read' | 'never'
  /** Are queues and topics told apart in annotations? */
  readonly annotates: boolean
  /** Does the broker take lists and maps for bodies? */
  readonly takesValues: boolean
  readonly takesUserId: boolean
  /** Does it accept and drop what is sent to a queue that does not exist? */
  readonly dropsUnroutable: boolean
  readonly delays: boolean
  /** Does it know a message again by `_AMQ_DUPL_ID`? */
  readonly deduplicates: boolean
}

const scheme = /^(queue|topic|temp-queue|temp-topic):\/\//

const kindOf = (written: string): JmsKind | undefined => scheme.exec(written)?.[1] as JmsKind | undefined

const noExchange = (broker: string) => () => {
  throw new Error(`${broker} has no exchanges: write queue or topic`)
}

const classicAddress = (written: string): Place => ({ address: written, kind: kindOf(written) ?? 'queue' })

export const classicSends: Sends = {
  queue: name => ({ address: `queue://${name}`, kind: 'queue' }),
  topic: name => ({ address: `topic://${name}`, kind: 'topic' }),
  exchange: noExchange('ActiveMQ'),
  address: classicAddress,
  replyTo: written => classicAddress(kindOf(written) ? written : `queue://${written}`),
  jms: 'when it comes',
  annotates: true,
  takesValues: true,
  takesUserId: true,
  delays: true,
  deduplicates: false,
  dropsUnroutable: false,
}

const bareAddress = (written: string): Place => {
  const kind = kindOf(written)
  return { address: written.replace(scheme, ''), ...(kind && { kind }) }
}

/** Bare names; what JMS clients and other brokers put before them is taken off. */
export const artemisSends: Sends = {
  queue: name => ({ address: name, capabilities: ['queue'], kind: 'queue' }),
  topic: name => ({ address: name, capabilities: ['topic'], kind: 'topic' }),
  exchange: noExchange('the broker'),
  address: bareAddress,
  replyTo: bareAddress,
  jms: 'when it is read',
  annotates: true,
  takesValues: true,
  takesUserId: true,
  delays: true,
  deduplicates: true,
  dropsUnroutable: false,
}

const encoded = encodeURIComponent

/** Version 2 addresses all begin with a slash: what does not is the name of a queue, as in AMQP 0-9-1. */
export const rabbit4Sends: Sends = {
  queue: name => ({ address: `/queues/${encoded(name)}` }),
  topic: name => ({ address: `/exchanges/amq.topic/${encoded(name)}` }),
  exchange: (name, key) => ({
    address: `/exchanges/${encoded(name)}${key === undefined ? '' : `/${encoded(key)}`}`,
  }),
  address: written => ({ address: written.startsWith('/') ? written : `/queues/${encoded(written)}` }),
  replyTo: written => ({ address: written }),
  jms: 'never',
  annotates: false,
  takesValues: true,
  takesUserId: false,
  delays: false,
  deduplicates: false,
  dropsUnroutable: false,
}

/** How the address of a queue that has to exist begins. */
export const rabbit3Queue = '/amq/queue/'

/**
 * The plugin reads `%2F` as a slash and nothing else as an escape, and breaks the connection at what is not ASCII (seen
 * with 3.10).
 */
export function escapeSlash(name: string): string {
  if (isAscii(name)) return name.replaceAll('/', '%2F')
  throw new MessageRefused(
    `RabbitMQ 3 takes no name over AMQP 1.0 that is not ASCII: ${JSON.stringify(name)}`,
  )
}

export const rabbit3Sends: Sends = {
  ...rabbit4Sends,
  queue: name => ({ address: `${rabbit3Queue}${escapeSlash(name)}` }),
  topic: name => ({ address: `/topic/${escapeSlash(name)}` }),
  exchange: (name, key) => ({
    address: `/exchange/${escapeSlash(name)}${key === undefined ? '' : `/${escapeSlash(key)}`}`,
  }),
  address: written => ({
    address: written.startsWith('/') ? written : `${rabbit3Queue}${escapeSlash(written)}`,
  }),
  takesValues: false,
  dropsUnroutable: true,
}
