import { randomUUID } from 'node:crypto'
import type { Endpoint, Limits, LinkContext, Sink } from '../../core/adapter.ts'
import { LinkLost, SinkUnavailable, sentence } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import type { Lease } from '../shared/shared-connections.ts'
import { openSpread } from '../shared/spread-sink.ts'
import { watchBlocked } from './blocked.ts'
import type { AmqpConnection } from './connection.ts'
import { isChosen, placeOf, writtenAddress } from './destination.ts'
import { type AmqpPrepared, remaining } from './encode.ts'
import { Existence } from './existence.ts'
import { beside, leaseConnection } from './lease.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { Senders } from './senders.ts'
import { type Outbound, SendingLink } from './sending-link.ts'
import { type Place, rabbit3Queue } from './sends.ts'
import { verdictOf } from './verdict.ts'

type At = Endpoint<ConnectionOptions, SinkOptions>

/** No broker has a limit in the protocol; a buffer of Node has. */
export const largest = 2 ** 31 - 1

export function openSink(given: At, context: LinkContext): Promise<Sink<AmqpPrepared>> {
  const at = context.trial ? { ...given, connection: beside(given.connection) } : given
  const { connections } = at.options
  if (connections === 1) return openOne(at, context)
  // The first is that of all who share the connection; the others have options of their own, and so a connection each.
  const own = () => ({ ...at, connection: { ...at.connection, client_id: undefined } })
  return openSpread(connections, n => openOne(n === 0 ? at : own(), context))
}

async function openOne(at: At, context: LinkContext): Promise<Sink<AmqpPrepared>> {
  const lease = await leaseConnection({ ...at, options: {} }, context.signal)
  try {
    return await AmqpSink.attach(at, lease, context)
  } catch (cause) {
    void lease.release()
    throw new Error(`sending to ${writtenAddress(at.options)} on ${lease.connection.dialect.broker}`, {
      cause,
    })
  }
}

/** Sends by one link to a fixed place or to the broker's relay, or by a link for each of a few places. */
class AmqpSink implements Sink<AmqpPrepared> {
  readonly closed: Promise<Error | undefined>
  readonly limits: Limits
  readonly #resolveClosed: (error: Error | undefined) => void
  readonly #at: At
  readonly #lease: Lease<AmqpConnection>
  readonly #link: SendingLink | undefined
  readonly #senders: Senders | undefined
  #closing: Promise<void> | undefined
  readonly #stopWatching: () => void
  readonly #forget: () => void
  #reason: Error | undefined
  #dead = false

  static async attach(at: At, lease: Lease<AmqpConnection>, context: LinkContext): Promise<AmqpSink> {
    const { dialect, relays } = lease.connection
    const address = writtenAddress(at.options)
    if (isTemplate(address) && !relays) return new AmqpSink(at, lease, undefined, context)
    const target = isTemplate(address) ? { address: undefined } : placeOf(dialect.sends, at.options, address)
    const notice = (text: string) => context.report({ type: 'notice', text })
    const link = await attach(at, lease.connection, target, notice, context.signal)
    return new AmqpSink(at, lease, link, context)
  }

  private constructor(
    at: At,
    lease: Lease<AmqpConnection>,
    link: SendingLink | undefined,
    context: LinkContext,
  ) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#at = at
    this.#lease = lease
    this.#link = link
    const { connection } = lease
    const notice = (text: string) => context.report({ type: 'notice', text })
    if (!link) this.#senders = sendersOf(at, connection, notice)
    this.limits = { maxMessageSize: link?.maxMessageSize ?? largest }
    this.#stopWatching = watchBlocked(link ?? this.#senders!, connection.dialect.broker, notice)
    this.#forget = link ? () => {} : connection.onClosed(error => this.#end(error))
    void link?.closed.then(error => this.#end(error))
  }

  send(prepared: AmqpPrepared, signal: AbortSignal): Promise<object> {
    const outbound = this.#outbound(prepared)
    if (this.#link) return this.#link.send(outbound, signal)
    if (this.#dead || this.#closing) return Promise.reject(this.#lost)
    return this.#senders!.send(prepared.place, outbound, signal)
  }

  #outbound({ bytes, place, ttl }: AmqpPrepared): Outbound {
    const aim = {
      broker: this.#lease.connection.dialect.broker,
      place: place.address,
      isChosen: isChosen(this.#at.options),
    }
    return {
      bytes,
      verdict: outcome => verdictOf(outcome, aim),
      ...(ttl && { begins: () => void bytes.writeUInt32BE(remaining(ttl.expiresAt), ttl.at) }),
    }
  }

  /** By attaching once more, since brokers do not say when the place of a link is taken away. */
  async check(signal: AbortSignal): Promise<void> {
    if (this.#dead || this.#closing) throw this.#lost
    const address = writtenAddress(this.#at.options)
    if (isTemplate(address)) return
    const { connection } = this.#lease
    try {
      const place = placeOf(connection.dialect.sends, this.#at.options, address)
      await (await attach(this.#at, connection, place, () => {}, signal)).close()
    } catch (cause) {
      signal.throwIfAborted()
      throw new SinkUnavailable(`sending to ${address} on ${connection.dialect.broker}: ${sentence(cause)}`, {
        cause,
      })
    }
  }

  get #lost(): LinkLost {
    const { broker } = this.#lease.connection.dialect
    return this.#link?.lost ?? new LinkLost(`the link to ${broker} is gone`, { cause: this.#reason })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#senders?.end(this.#lost)
    await (this.#link ?? this.#senders!).close()
    this.#end(undefined)
  }

  #end(error: Error | undefined): void {
    if (this.#dead) return
    this.#dead = true
    this.#reason = error
    this.#senders?.end(this.#lost)
    this.#stopWatching()
    this.#forget()
    this.#resolveClosed(this.#closing ? undefined : (error ?? new Error('the connection was closed')))
    void this.#lease.release()
  }
}

/** Notices are given once, however many places there are. */
function sendersOf(at: At, connection: AmqpConnection, notice: (text: string) => void): Senders {
  let said = false
  const once = (text: string) => {
    if (!said) notice(text)
    said = true
  }
  return new Senders(place => attach(at, connection, place, once), at.options.send_timeout)
}

async function attach(
  at: At,
  connection: AmqpConnection,
  target: Place | { readonly address: undefined },
  notice: (text: string) => void,
  signal?: AbortSignal,
): Promise<SendingLink> {
  const { address } = target
  const limit = at.connection.connect_timeout
  const queue = connection.dialect.sends.dropsUnroutable && address?.startsWith(rabbit3Queue) && address
  const existence = queue ? new Existence(connection, queue, limit) : undefined
  if ((await existence?.demand(signal)) === false) notice(`${unknown}: ${queue}`)
  const options = {
    to: `${writtenAddress(at.options)} on ${connection.dialect.broker}`,
    name: `sluice-${at.connectionName}-${at.route}-${randomUUID().slice(0, 8)}`,
    limit,
    sendTimeout: at.options.send_timeout,
    existence,
  }
  return SendingLink.attach(connection, target, options, signal)
}

const unknown =
  'whether a queue exists cannot be known without the permission to read it, and RabbitMQ 3 drops what is sent to one that does not'
