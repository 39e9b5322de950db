import type { Deliver, Endpoint, LinkContext, Source, SourceKind, Warning } from '../../core/adapter.ts'
import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost, sentence } from '../../core/errors.ts'
import { restoredFromShelter } from '../shared/carriage/shelter.ts'
import { Grants } from '../shared/grants.ts'
import { inTurn } from '../shared/in-turn.ts'
import type { Frame, HeaderList, Version } from './codec.ts'
import { StompConnection } from './connection.ts'
import { type Broker, subscribeHeaders } from './dialect.ts'
import { decodeMessage, stableId } from './message.ts'
import { type ConnectionOptions, source as options, type SourceOptions } from './options.ts'
import { peek } from './peek.ts'
import { describe } from './target.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** Bytes that may be held beyond what was granted before we stop reading; the broker's window bounds the messages. */
const maxHeld = 4 * 1024 * 1024

/** RabbitMQ takes a delivery back after 30 minutes (consumer_timeout), and checks that once a minute. */
const rabbitHoldLimit = 20 * 60 * 1000

/** Which broker it turned out to be, learned by connecting. */
const met = new WeakMap<ConnectionOptions, Broker>()

export const source: SourceKind<ConnectionOptions, SourceOptions> = {
  options,
  canReject: false,
  /** Known once a link has been open, where the configuration does not say which broker it is. */
  holdLimit: ({ connection, options: { hold_limit } }) =>
    hold_limit ??
    ((connection.broker ?? met.get(connection)) === 'rabbitmq' ? rabbitHoldLimit : Number.POSITIVE_INFINITY),
  orderProblem: ({ options: { exclusive, topic } }) =>
    exclusive || topic !== undefined
      ? undefined
      : 'another consumer of the queue could overtake this one: write exclusive: true',
  warnings,
  peek,
  async open(configured, deliver, context) {
    const at = context.trial ? onTrial(configured) : configured
    const { subscription, client_id, max_message_size } = at.options
    const clientId = client_id ?? (subscription && `sluice-${at.connectionName}-${at.route}`)
    const more = { clientId, maxMessageSize: max_message_size }
    const connection = await inTurn(at.connection.urls, context.signal, url =>
      StompConnection.open(url, at.connection, more, context.signal),
    )
    met.set(at.connection, connection.broker)
    const link = new StompSource(connection, at, deliver)
    await link.subscribe(context)
    return link
  },
}

/** Leaves nothing behind and disturbs nobody: no durable subscription, no client id, one message at the most. */
function onTrial(at: At): At {
  const options = {
    ...at.options,
    subscription: undefined,
    client_id: undefined,
    exclusive: false,
    prefetch: 1,
  }
  return { ...at, options }
}

function warnings(at: At): readonly Warning[] {
  if (at.options.topic === undefined || at.options.subscription !== undefined) return []
  const text = 'what is published while the bridge is not connected is gone: a durable subscription keeps it'
  return [{ path: ['subscription'], text }]
}

/**
 * One subscription on a connection of its own: to stop reading a shared one would stop its other subscriptions too.
 *
 * ACK is sent without a receipt. Frames are processed in order, so the receipt of DISCONNECT covers those before an
 * orderly end; an ACK that a cut swallowed makes the broker deliver that message again, as it would have anyway.
 */
class StompSource implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #connection: StompConnection
  readonly #at: At
  readonly #grants: Grants
  readonly #lost = new AbortController()
  #heldBytes = 0
  #stopped = false

  constructor(connection: StompConnection, at: At, deliver: Deliver) {
    this.#connection = connection
    this.#at = at
    this.#grants = new Grants(delivery => {
      this.#heldBytes -= delivery.size
      deliver(delivery)
    })
    this.closed = connection.closed.then(error => {
      this.#forget()
      return error
    })
    connection.onMessage = frame => this.#receive(frame)
  }

  async subscribe({ signal, report }: LinkContext): Promise<void> {
    const { connection, options } = this.#at
    const { broker } = this.#connection
    const doing = `subscribing to ${describe(options)}`
    const headers = subscribeHeaders(broker, options)
    const onAbort = () => void this.close()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      signal.throwIfAborted()
      await this.#connection.request(connection.connect_timeout, doing, 'SUBSCRIBE', headers)
      signal.throwIfAborted()
    } catch (cause) {
      await this.close()
      signal.throwIfAborted()
      throw explain(doing, cause)
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
    if (options.exclusive && broker !== 'activemq') {
      report({
        type: 'notice',
        text: `${broker} gives a queue to one consumer only where the queue itself is declared so`,
      })
    }
  }

  grant(messages: number, bytes: number): void {
    this.#grants.grant(messages, bytes)
    if (this.#heldBytes <= maxHeld) this.#connection.resume()
  }

  /**
   * The subscription stays, since ActiveMQ and Artemis take back what is not settled when it ends. What comes from now
   * on is let go; `close` gives it back.
   */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#letGo()
  }

  async close(): Promise<void> {
    this.#forget()
    await this.#connection.close()
  }

  #receive(frame: Frame): void {
    if (this.#stopped) return
    const delivery = this.#delivery(frame)
    this.#heldBytes += delivery.size
    this.#grants.offer(delivery)
    if (this.#heldBytes > maxHeld) this.#connection.pause()
  }

  #delivery(frame: Frame): Delivery {
    const { broker, version } = this.#connection
    const came = decodeMessage(frame, broker, this.#at.options, Date.now())
    const { message, fault } = restoredFromShelter(came)
    const id = stableId(frame, broker)
    const ack = ackHeaders(frame, broker, version)
    return {
      message,
      ...(fault && { fault }),
      size: frame.body.length + frame.headSize,
      ...(id !== undefined && { id }),
      lost: this.#lost.signal,
      settle: outcome => this.#settle(ack, outcome),
    }
  }

  async #settle(ack: HeaderList, outcome: Outcome): Promise<void> {
    if (this.#lost.signal.aborted) throw new LinkLost('the connection that this message came by is gone')
    if (outcome === 'rejected') throw new Error('STOMP has no way to reject a message')
    this.#connection.send('ACK', ack)
  }

  #letGo(): void {
    this.#grants.clear()
    this.#heldBytes = 0
    this.#connection.resume()
  }

  #forget(): void {
    this.#stopped = true
    this.#letGo()
    this.#lost.abort()
  }
}

/**
 * What names the delivery in an ACK: STOMP 1.2 has the `ack` header for it, the others `message-id`. Artemis writes the
 * same into both, but `ack` after the application's headers, one of which may have that name too.
 */
function ackHeaders({ headers }: Frame, broker: Broker, version: Version): HeaderList {
  const header = (name: string): string => {
    const value = headers.get(name)
    if (value === undefined) throw new Error(`the broker sent a MESSAGE without the header ${name}`)
    return value
  }
  if (version === '1.2') return [['id', header(broker === 'artemis' ? 'message-id' : 'ack')]]
  const id: HeaderList = [['message-id', header('message-id')]]
  return version === '1.0' ? id : [['subscription', header('subscription')], ...id]
}

/** RabbitMQ says `not_found`; the others make what they are asked for. */
function explain(doing: string, cause: unknown): Error {
  const missing = /not_found|does not exist/i.test(sentence(cause))
  return new Error(missing ? `${doing}, which does not exist on the broker` : doing, { cause })
}
