import rhea, { type ReceiverOptions, type Session } from 'rhea'
import type { Deliver, Endpoint, LinkContext, Source } from '../../core/adapter.ts'
import type { Lease } from '../shared/shared-connections.ts'
import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'
import { Credit } from './credit.ts'
import { AmqpDelivery } from './delivery.ts'
import { type Dialect, type SourceAddress, sourceAddress } from './dialect.ts'
import { adoptDeliveryCount, Incoming, type ReceiverInside } from './incoming.ts'
import { leaseConnection } from './lease.ts'
import type { ConnectionOptions, SourceOptions } from './options.ts'
import { readTransfer } from './transfer.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** Opens a receiver in a session of its own, so that no other receiver can stall it. */
export async function openSource(configured: At, deliver: Deliver, context: LinkContext): Promise<Source> {
  const at = context.trial ? onTrial(configured) : configured
  const lease = await leaseConnection(at, context.signal)
  try {
    return await AmqpSource.attach(at, lease, deliver, context.signal)
  } catch (cause) {
    void lease.release()
    const { queue, topic, address } = at.options
    const what = queue !== undefined ? `queue ${queue}` : topic !== undefined ? `topic ${topic}` : address
    throw new Error(`reading ${what} on ${lease.connection.dialect.broker}`, { cause })
  }
}

/** Without a durable subscription, which would stay, and without an id that a running bridge may have. */
function onTrial(at: At): At {
  const { client_id: _, ...connection } = at.connection
  const { subscription: __, ...options } = at.options
  return { ...at, connection, options: { ...options, exclusive: false } }
}

/**
 * A receiving link. Open until its receiver, its session or its connection ends, whichever is first; then every
 * delivery is lost and `closed` resolves, in this order. `#unsettled` holds what is out, by delivery id.
 */
class AmqpSource implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #resolveClosed: (error: Error | undefined) => void
  readonly #options: SourceOptions
  readonly #limit: number
  readonly #lease: Lease<AmqpConnection>
  readonly #deliver: Deliver
  readonly #session: Session
  readonly #incoming: Incoming
  readonly #receiver: ReceiverInside
  readonly #credit: Credit
  readonly #dialect: Dialect
  readonly #unsettled = new Map<number, AmqpDelivery>()
  readonly #forget: () => void
  #stopped = false
  #dead = false
  #closing: Promise<void> | undefined

  private constructor(at: At, lease: Lease<AmqpConnection>, deliver: Deliver) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#options = at.options
    this.#limit = at.connection.connect_timeout
    this.#lease = lease
    this.#deliver = deliver
    this.#dialect = lease.connection.dialect
    const address = sourceAddress(this.#dialect, at.options)
    this.#session = lease.connection.createSession()
    this.#incoming = Incoming.install(this.#session, at.options.max_message_size, {
      message: (id, bytes, settled) => this.#receive(id, bytes, settled),
      settled: (first, last) => this.#settledByBroker(first, last),
      tooLarge: error => this.#end(error),
    })
    this.#listen()
    this.#session.begin()
    this.#receiver = this.#session.open_receiver(receiverOptions(at, address)) as ReceiverInside
    this.#credit = new Credit(this.#receiver, at.options.prefetch)
    this.#forget = lease.connection.onClosed(error => this.#end(error))
  }

  static async attach(at: At, lease: Lease<AmqpConnection>, deliver: Deliver, signal: AbortSignal) {
    const source = new AmqpSource(at, lease, deliver)
    try {
      await within(source.#limit, 'attaching', source.#attached(), signal)
      return source
    } catch (error) {
      source.#end(undefined)
      throw error
    }
  }

  /** Resolves when the broker has attached its side. A refusal is an attach without a source, and then a detach. */
  async #attached(): Promise<void> {
    const attached = new Promise<void>(resolve =>
      this.#receiver.on('receiver_open', () => {
        adoptDeliveryCount(this.#receiver)
        if (typeof this.#receiver.source?.address === 'string') resolve()
      }),
    )
    const ended = this.closed.then(error => {
      throw error
    })
    await Promise.race([attached, ended])
  }

  grant(messages: number, bytes: number): void {
    if (this.#dead || this.#stopped) return
    this.#credit.grant(messages, bytes, this.#unsettled.size)
  }

  /** Takes the credit back; the broker answers once nothing more is on its way. What still comes waits for `close()`. */
  async stop(): Promise<void> {
    if (this.#stopped || this.#dead) return
    this.#stopped = true
    const stopped = this.#credit.stop(this.#dialect.drains)
    await within(this.#limit, 'taking the credit back', Promise.race([stopped, this.closed])).catch(() => {})
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Stops first: ActiveMQ hands a released message to the same link again while it has credit. */
  async #close(): Promise<void> {
    const unsettled = [...this.#unsettled.values()]
    for (const delivery of unsettled) delivery.lose()
    await this.stop()
    if (!this.#dead) {
      for (const id of this.#unsettled.keys()) this.#incoming.settle(id, 'released')
      this.#unsettled.clear()
      await this.#detach()
    }
    this.#end(undefined)
  }

  /** A durable subscription is detached and not closed: closing deletes it. */
  async #detach(): Promise<void> {
    const answered = new Promise(resolve => this.#receiver.once('receiver_close', resolve))
    if (this.#options.subscription === undefined) this.#receiver.close()
    else this.#receiver.detach()
    await within(this.#limit, 'detaching', Promise.race([answered, this.closed])).catch(() => {})
  }

  #end(error: Error | undefined): void {
    if (this.#dead) return
    this.#dead = true
    this.#forget()
    for (const delivery of this.#unsettled.values()) delivery.lose()
    this.#unsettled.clear()
    this.#lease.connection.endSession(this.#session)
    this.#resolveClosed(error)
    void this.#lease.release()
  }

  #listen(): void {
    const ended = (sent: unknown, did: string) =>
      this.#end(this.#closing ? undefined : brokerError(sent, did))
    this.#session.on('session_error', () => ended(this.#session.error, 'the broker ended the session'))
    this.#session.on('session_close', () => ended(undefined, 'the broker ended the session'))
    this.#session.on('receiver_error', ({ receiver }) =>
      ended(receiver?.error, 'the broker detached the link'),
    )
    this.#session.on('receiver_close', () => ended(undefined, 'the broker detached the link'))
  }

  #receive(id: number, bytes: Buffer, settled: boolean): void {
    const delivery = new AmqpDelivery(readTransfer(bytes, this.#options, this.#dialect), outcome => {
      this.#unsettled.delete(id)
      if (settled) return
      this.#incoming.settle(id, outcome)
      this.#lease.connection.flush()
      this.#credit.topUp(this.#unsettled.size)
    })
    if (this.#dead) return
    this.#unsettled.set(id, delivery)
    if (this.#stopped) return
    this.#credit.spend(bytes.length, this.#unsettled.size)
    this.#deliver(delivery)
  }

  /** RabbitMQ 4.3 does this when a delivery is held beyond the consumer timeout: it has the message again. */
  #settledByBroker(first: number, last: number): void {
    for (const [id, delivery] of this.#unsettled) {
      if (id < first || id > last) continue
      this.#unsettled.delete(id)
      delivery.lose()
    }
    this.#credit.topUp(this.#unsettled.size)
  }
}

function receiverOptions(at: At, address: SourceAddress): ReceiverOptions {
  const { subscription, selector } = at.options
  return {
    name: subscription ?? `sluice-${at.connectionName}-${at.route}`,
    credit_window: 0,
    autoaccept: false,
    autosettle: false,
    snd_settle_mode: 0,
    rcv_settle_mode: 0,
    source: {
      ...address,
      ...(subscription !== undefined && { durable: 2, expiry_policy: 'never' }),
      ...(selector !== undefined && { filter: rhea.filter.selector(selector) }),
    },
  }
}
