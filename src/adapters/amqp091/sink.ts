import type { Endpoint, LinkContext, Sink, SinkKind } from '../../core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable, toError } from '../../core/errors.ts'
import type { Lease } from '../shared/shared-connections.ts'
import { within } from '../shared/within.ts'
import { type AmqpConnection, openConnection, publishing } from './connection.ts'
import { addressOf, hasFixedExchange, isFixed, isWaitingRequester, placeOf, placeText } from './dialect.ts'
import { type AmqpLimits, type AmqpPrepared, prepare } from './encode.ts'
import { placeError, unroutable } from './errors.ts'
import { Guilt } from './guilt.ts'
import { codeOf, LookUp } from './look-up.ts'
import { type ConnectionOptions, type SinkOptions, sinkOptions } from './options.ts'
import { type Answer, Publisher } from './publisher.ts'
import { readBack } from './read-back.ts'
import { type Send, Sends } from './sends.ts'
import { show, usualLimits } from './show.ts'
import { Trials } from './trials.ts'

type At = Endpoint<ConnectionOptions, SinkOptions>

export const sink: SinkKind<ConnectionOptions, SinkOptions, AmqpPrepared> = {
  readBack,
  options: sinkOptions,
  address: ({ options }) => addressOf(options),
  prepare,
  usualLimits,
  show,
  async open(at, context) {
    const connect = () => openConnection(at.connection, at.connectionName)
    const lease = await publishing.lease(at.connection, connect, context.signal)
    let opened: AmqpSink | undefined
    try {
      opened = new AmqpSink(lease, await Publisher.open(lease.connection, context.signal), at, context)
      await opened.check(context.signal)
      return opened
    } catch (error) {
      await opened?.close()
      await lease.release()
      throw error
    }
  },
}

/** What is known of bad messages, from link to link of an endpoint. */
const guilts = new WeakMap<SinkOptions, Guilt>()

function guiltOf(options: SinkOptions): Guilt {
  const guilt = guilts.get(options) ?? new Guilt()
  guilts.set(options, guilt)
  return guilt
}

/**
 * Messages go by one confirm channel, except those that may cost it (trials.ts). States: open; gone, for ever, when we close it,
 * or when its channel or connection dies: every send that has not ended is LinkLost then.
 */
class AmqpSink implements Sink<AmqpPrepared> {
  readonly closed: Promise<Error | undefined>
  readonly limits: AmqpLimits
  readonly #lease: Lease<AmqpConnection>
  readonly #publisher: Publisher
  readonly #at: At
  readonly #guilt: Guilt
  readonly #lookUp: LookUp
  readonly #sends: Sends
  readonly #trials: Trials
  readonly #end = Promise.withResolvers<Error | undefined>()
  #lost: LinkLost | undefined
  #latestLoss: LinkLost | undefined
  #closing: Promise<void> | undefined

  constructor(lease: Lease<AmqpConnection>, publisher: Publisher, at: At, { report }: LinkContext) {
    const { connection } = lease
    const { options } = at
    this.closed = this.#end.promise
    this.#lease = lease
    this.#publisher = publisher
    this.#at = at
    this.#guilt = guiltOf(options)
    this.limits = {
      maxMessageSize: Math.min(
        options.max_message_size ?? connection.usualMessageSize,
        this.#guilt.maxMessageSize,
      ),
      maxProperties: publisher.maxProperties,
    }
    this.#lookUp = new LookUp(connection, at.connection.connect_timeout)
    this.#sends = new Sends(
      options.send_timeout,
      (p, answer) => this.#errorOf(p, answer),
      send => {
        this.#trials.withdraw(send)
        this.#publisher.withdraw(send)
      },
    )
    this.#trials = new Trials(
      () => Publisher.open(connection, AbortSignal.timeout(at.connection.connect_timeout)),
      this.#guilt,
      hasFixedExchange(options),
      outgoing => publisher.submit(outgoing),
    )
    const deaf = [
      connection.onNotice(text => report({ type: 'notice', text })),
      connection.onClosed(error => this.#die(error ?? new Error('the connection was closed'))),
    ]
    void this.closed.then(() => {
      for (const stop of deaf) stop()
    })
    void publisher.closed.then(error => this.#channelEnded(error))
  }

  send(prepared: AmqpPrepared, signal: AbortSignal): Promise<object> {
    if (this.#lost) return Promise.reject(this.#lost)
    if (signal.aborted) return Promise.reject(signal.reason)
    const send = this.#sends.begin(prepared, signal)
    if (isWaitingRequester(prepared)) void this.#reply(send)
    else if (this.#trials.isNeeded(send)) this.#trials.submit(send)
    else this.#publisher.submit(send)
    return send.ended
  }

  /** Passive: declares nothing. What a template chooses is not known before it is there. */
  async check(signal: AbortSignal): Promise<void> {
    if (this.#lost) throw this.#lost
    const { options } = this.#at
    if (!isFixed(options) && !(options.exchange !== undefined && hasFixedExchange(options))) return
    const place = placeOf(options, addressOf(options))
    const looking =
      place.exchange === '' ? this.#lookUp.queue(place.routingKey) : this.#lookUp.exchange(place.exchange)
    try {
      await within(this.#at.connection.connect_timeout, `looking for ${placeText(place)}`, looking, signal)
    } catch (error) {
      throw signal.aborted ? signal.reason : this.#checkError(toError(error), place)
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish(undefined)
    return this.#closing
  }

  /** A requester that is gone would swallow its reply without a word: whether it waits has to be asked. */
  async #reply(send: Send): Promise<void> {
    const { routingKey } = send.prepared
    try {
      await this.#lookUp.queue(routingKey)
    } catch (error) {
      const said = `the requester that waited for a reply at ${routingKey} is gone`
      send.fail(
        codeOf(error) === 404
          ? new MessageRefused(said, { cause: error })
          : new SinkUnavailable(`looking for the requester of a reply`, { cause: error }),
      )
      return
    }
    this.#publisher.submit(send)
  }

  #errorOf(prepared: AmqpPrepared, answer: Answer): Error {
    const { url } = this.#lease.connection
    const { options } = this.#at
    switch (answer.is) {
      case 'returned':
        return unroutable(options, prepared, url, answer.why)
      case 'unclear':
        this.#guilt.doubt(prepared)
        return answer.error
      case 'guilty':
        return placeError(answer.error, options, prepared, url)
      case 'gone':
        if (answer.isSuspect && answer.error) this.#guilt.suspect(prepared, answer.error)
        return this.#lost ?? this.#linkLost(answer.error)
      default:
        return new SinkUnavailable(
          `the broker did not take the message for ${placeText(prepared)} on ${url.text}: a queue there is full, or lost it`,
        )
    }
  }

  #checkError(error: Error, place: ReturnType<typeof placeOf>): Error {
    const { url } = this.#lease.connection
    if (codeOf(error) === undefined)
      return new SinkUnavailable(`looking for ${placeText(place)}`, { cause: error })
    return placeError(error, this.#at.options, place, url)
  }

  #channelEnded(error: Error | undefined): void {
    // Without an error, the connection is going down and is about to say why.
    if (error) this.#die(error)
  }

  #die(reason: Error): void {
    this.#closing ??= this.#finish(reason)
  }

  async #finish(reason: Error | undefined): Promise<void> {
    this.#lost = this.#linkLost(reason)
    this.#sends.failAll(this.#lost)
    const gone: Answer = { is: 'gone', error: undefined, isSuspect: false }
    const leaving = Promise.all([this.#publisher.close(), this.#trials.close(gone)])
    if (reason) this.#end.resolve(this.#lost)
    await within(this.#at.connection.connect_timeout, 'closing', leaving).catch(() => {})
    await this.#lease.release()
    this.#end.resolve(undefined)
  }

  /** One for all that the same cause has cost: the breaker counts errors. */
  #linkLost(cause: Error | undefined): LinkLost {
    if (cause === undefined || this.#latestLoss?.cause !== cause)
      this.#latestLoss = new LinkLost(`the channel to ${this.#lease.connection.url.text} is gone`, { cause })
    return this.#latestLoss
  }
}
