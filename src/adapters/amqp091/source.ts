import type { Channel, ConsumeMessage } from 'amqplib'
import type { Deliver, Endpoint, LinkContext, Source, SourceKind } from '../../core/adapter.ts'
import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost, toError } from '../../core/errors.ts'
import { Grants } from '../shared/grants.ts'
import type { Lease } from '../shared/shared-connections.ts'
import { within } from '../shared/within.ts'
import { Acks } from './acks.ts'
import { decode } from './codec.ts'
import { type AmqpConnection, connections, openConnection } from './connection.ts'
import { Consumer } from './consumer.ts'
import { leadsTo } from './dialect.ts'
import { channelError } from './errors.ts'
import { boundMessages, type RawProperties } from './frames.ts'
import { type ConnectionOptions, type SourceOptions, sourceOptions } from './options.ts'
import { Prefetch } from './prefetch.ts'
import { type Consumption, isOrdered, noOrder, WholeWindow } from './whole-window.ts'

type At = Endpoint<ConnectionOptions, SourceOptions>

/** RabbitMQ closes the channel over a delivery that is 30 minutes old (consumer_timeout); it looks once a minute. */
const holdLimit = 20 * 60 * 1000

export const source: SourceKind<ConnectionOptions, SourceOptions> = {
  options: sourceOptions,
  canReject: true,
  holdLimit: ({ options }) => options.hold_limit ?? holdLimit,
  reads: ({ options }, address) => leadsTo(options.queue, address),
  orderProblem: ({ options }) => (isOrdered(options) ? undefined : noOrder),
  async peek() {
    throw new Error(
      'AMQP 0-9-1 cannot look at a message: what basic.get takes comes back marked as redelivered, counts as delivered, and may not be the first any more',
    )
  },
  async open(configured, deliver, context) {
    // On trial a running bridge may be the exclusive consumer, and stays it.
    const at = context.trial
      ? { ...configured, options: { ...configured.options, exclusive: false } }
      : configured
    const connect = () => openConnection(at.connection, at.connectionName)
    const lease = await connections.lease(at.connection, connect, context.signal)
    const channel = await openChannel(lease, context.signal)
    const source = new AmqpSource(lease, channel, at, deliver)
    try {
      await source.check(context.signal)
    } catch (error) {
      await source.close()
      throw error
    }
    source.reportNotices(context)
    return source
  },
}

async function openChannel(lease: Lease<AmqpConnection>, signal: AbortSignal): Promise<Channel> {
  try {
    return await lease.connection.channel(signal)
  } catch (error) {
    await lease.release()
    throw error
  }
}

/**
 * One queue, consumed on a channel of its own. States: open; stopped (the consumer is cancelled, what is out can
 * still be settled); gone (closed by us, or the channel, its connection or the consumer died), which is for ever.
 * Nothing is consumed before the first grant, so that opening takes no message from the queue.
 */
class AmqpSource implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #lease: Lease<AmqpConnection>
  readonly #channel: Channel
  readonly #at: At
  readonly #acks: Acks
  readonly #grants: Grants
  readonly #consumption: Consumption
  readonly #lost = new AbortController()
  readonly #end = Promise.withResolvers<Error | undefined>()
  #stopped = false
  #closing: Promise<void> | undefined
  #channelIsOpen = true

  constructor(lease: Lease<AmqpConnection>, channel: Channel, at: At, deliver: Deliver) {
    this.closed = this.#end.promise
    this.#lease = lease
    this.#channel = channel
    this.#at = at
    this.#acks = new Acks(channel)
    this.#grants = new Grants(deliver)
    const limit = at.connection.connect_timeout
    const consumer = new Consumer(channel, { ...at.options, name: consumerName(at), limit }, m =>
      this.#receive(m),
    )
    const { prefetch } = at.options
    const onFailure = (error: Error) => this.#die(this.#explain(error))
    this.#consumption = isOrdered(at.options)
      ? new WholeWindow(consumer, prefetch, onFailure)
      : new Prefetch(consumer, this.#acks, prefetch, onFailure)
    boundMessages(channel, at.options.max_message_size, error => this.#die(this.#explain(error)))
    this.#watchChannel()
  }

  /** Throws unless the queue is there and may be consumed. Passive: declares nothing and compares no arguments. */
  async check(signal: AbortSignal): Promise<void> {
    const { queue, exclusive } = this.#at.options
    const { url } = this.#lease.connection
    const limit = this.#at.connection.connect_timeout
    let consumers: number
    try {
      const looking = this.#channel.checkQueue(queue)
      consumers = (await within(limit, `looking for queue ${queue} on ${url.text}`, looking, signal))
        .consumerCount
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#explain(toError(error))
    }
    if (exclusive && consumers > 0) {
      throw new Error(
        `queue ${queue} on ${url.text} has ${consumers} other consumers, so it cannot be exclusive`,
      )
    }
  }

  reportNotices({ report }: LinkContext): void {
    void this.closed.then(this.#lease.connection.onNotice(text => report({ type: 'notice', text })))
  }

  grant(messages: number, bytes: number): void {
    if (this.#stopped) return
    this.#grants.grant(messages, bytes)
    this.#consumption.grant(messages)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#grants.clear()
    if (!this.#channelIsOpen) return
    await this.#consumption.stop().catch(error => this.#die(this.#explain(toError(error))))
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  /** The broker has everything back that was not settled, unless it does not answer. */
  async #finish(): Promise<void> {
    await within(this.#at.connection.connect_timeout, 'closing', this.#giveBack()).catch(() => {})
    this.#forget()
    await this.#lease.release()
    this.#end.resolve(undefined)
  }

  /**
   * Where basic.nack is free of charge, it gives back; basic.reject never is. Elsewhere the channel is closed with all
   * that is out, which counts no more than a nack would, and keeps the order: RabbitMQ 3 puts what is nacked to a
   * quorum queue without delivery limit behind everything else.
   */
  async #giveBack(): Promise<void> {
    if (this.#lease.connection.nackIsFree) await this.stop()
    if (!this.#channelIsOpen) return
    this.#forget()
    if (this.#lease.connection.nackIsFree && this.#acks.unsettled > 0) this.#channel.nackAll(true)
    await this.#lease.connection.whileOpen(this.#channel.close())
  }

  #receive(message: ConsumeMessage | null): void {
    if (message === null) {
      const { queue } = this.#at.options
      this.#die(new Error(`the broker ended the consumption of queue ${queue}: was it deleted, or moved?`))
      return
    }
    this.#acks.received(message.fields.deliveryTag)
    if (!this.#stopped) this.#grants.offer(this.#delivery(message))
    this.#consumption.received()
  }

  #delivery({ fields, properties, content }: ConsumeMessage): Delivery {
    const { raw } = properties as unknown as RawProperties
    const tag = fields.deliveryTag
    return {
      ...decode(this.#at.options.queue, { ...fields, raw, content: own(content) }),
      size: content.length + raw.length,
      lost: this.#lost.signal,
      settle: outcome => this.#settle(tag, outcome),
    }
  }

  async #settle(tag: number, outcome: Outcome): Promise<void> {
    if (this.#lost.signal.aborted) throw this.#linkLost()
    this.#consumption.settled()
    try {
      if (outcome === 'accepted') await this.#acks.accept(tag)
      else await this.#acks.reject(tag)
    } catch (cause) {
      throw this.#linkLost(cause)
    }
  }

  #watchChannel(): void {
    const { connection } = this.#lease
    this.#channel.on('error', error => {
      this.#channelIsOpen = false
      this.#die(this.#explain(error))
    })
    // Without an error before it, the connection is going down and is about to say why.
    this.#channel.on('close', () => {
      this.#channelIsOpen = false
      this.#forget()
    })
    const deaf = connection.onClosed(error =>
      this.#die(error ?? new Error(`the connection to ${connection.url.text} was closed`)),
    )
    void this.closed.then(deaf)
  }

  #die(reason: Error): void {
    this.#forget()
    if (this.#closing) return
    this.#end.resolve(reason)
    const leave = within(this.#at.connection.connect_timeout, 'closing', this.#giveBack()).catch(() => {})
    this.#closing = leave.then(() => this.#lease.release())
  }

  #forget(): void {
    this.#stopped = true
    this.#consumption.forget()
    this.#grants.clear()
    this.#acks.flush()
    this.#lost.abort()
  }

  #explain(error: Error): Error {
    return channelError(error, this.#at.options.queue, this.#lease.connection.url)
  }

  #linkLost(cause?: unknown): LinkLost {
    return new LinkLost(`the channel that brought this message of queue ${this.#at.options.queue} is gone`, {
      cause,
    })
  }
}

/** A small message must not keep the whole chunk of the stream in memory. */
const own = (content: Buffer): Buffer => (content.length < 16_384 ? Buffer.from(content) : content)

/** For RabbitMQ's management page. The tag has at most 255 bytes, a number at its end included. */
function consumerName({ connectionName, route }: At): string {
  const name = `sluice-${connectionName}-${route}`
  return Buffer.byteLength(name) <= 240 ? name : 'sluice'
}
