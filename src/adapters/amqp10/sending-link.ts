import type { Session } from 'rhea'
import { LinkLost, SinkUnavailable, toError } from '../../core/errors.ts'
import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'
import type { Existence } from './existence.ts'
import type { Outcome } from './outcome.ts'
import { Outgoing, type SenderInside, type Transfer } from './outgoing.ts'

export interface SendingTarget {
  /** Undefined for the anonymous relay: each message says where it goes. */
  readonly address: string | undefined
  readonly capabilities?: readonly string[]
}

export interface SendingOptions {
  readonly name: string
  /** Where it leads, for people. */
  readonly to: string
  /** Milliseconds for attaching and detaching. */
  readonly limit: number
  /** Milliseconds for a send. */
  readonly sendTimeout: number
  /** Where nobody says that the place is gone, who has to be asked before anything is written. */
  readonly existence?: Existence | undefined
}

export interface Outbound {
  readonly bytes: Buffer
  /** The message is about to be written. */
  begins?(): void
  /** Why the broker did not take it; undefined when it did. */
  verdict(outcome: Outcome): Error | undefined
}

/**
 * A sender in a session of its own, so that what the broker ends with it is nobody else's. Attaching until the broker has
 * answered, then open until the sender, its session or the connection ends; then every send that is not confirmed rejects
 * with LinkLost and `closed` resolves, in this order.
 */
export class SendingLink {
  readonly closed: Promise<Error | undefined>
  readonly #resolveClosed: (error: Error | undefined) => void
  readonly #connection: AmqpConnection
  readonly #options: SendingOptions
  readonly #session: Session
  readonly #sender: SenderInside
  readonly #outgoing: Outgoing
  /** All that is owed an answer, in the order of `send`: the first ends first. */
  readonly #sending = new Set<Sending>()
  readonly #forget: () => void
  readonly #signals = new WeakSet<AbortSignal>()
  #timer: NodeJS.Timeout | undefined
  #begun = 0
  #lost: LinkLost | undefined
  #dead = false
  #closing: Promise<void> | undefined

  static async attach(
    connection: AmqpConnection,
    target: SendingTarget,
    options: SendingOptions,
    signal?: AbortSignal,
  ): Promise<SendingLink> {
    const link = new SendingLink(connection, target, options)
    try {
      await within(options.limit, 'attaching', link.#attached(target), signal)
      return link
    } catch (error) {
      link.#end(toError(error))
      throw error
    }
  }

  private constructor(connection: AmqpConnection, target: SendingTarget, options: SendingOptions) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#connection = connection
    this.#options = options
    this.#session = connection.createSession()
    const asker = { goOn: () => connection.flush(), gone: (error: Error) => this.#end(error) }
    this.#outgoing = Outgoing.install(this.#session, () => options.existence?.mayWrite(asker) ?? true)
    this.#listen()
    this.#session.begin()
    this.#sender = this.#session.open_sender({
      name: options.name,
      snd_settle_mode: 0,
      rcv_settle_mode: 0,
      autosettle: false,
      source: { address: options.name },
      target,
    }) as SenderInside
    this.#outgoing.attach(this.#sender)
    this.#forget = connection.onClosed(error => this.#end(error))
  }

  /** A refusal is an attach without a target, and then a detach. */
  async #attached({ address }: SendingTarget): Promise<void> {
    const attached = new Promise<void>(resolve =>
      this.#sender.once('sender_open', () => {
        const { target } = this.#sender
        if (target && (address === undefined || typeof target.address === 'string')) resolve()
      }),
    )
    const ended = this.closed.then(error => {
      throw error ?? new Error('closed')
    })
    await Promise.race([attached, ended])
  }

  /** Bytes of one message, as the broker said; undefined when it did not. */
  get maxMessageSize(): number | undefined {
    const size = this.#sender.remote.attach?.max_message_size
    return typeof size === 'number' && size > 0 ? size : undefined
  }

  /** What is owed an answer. */
  get unconfirmed(): number {
    return this.#sending.size
  }

  /** Messages that wait for credit, for the session's window or for the socket. */
  get waiting(): number {
    return this.#outgoing.waiting
  }

  /** What every send gets once the link is gone. */
  get lost(): LinkLost {
    return this.#lost ?? new LinkLost(`the link to ${this.#options.to} is being closed`)
  }

  /** Messages whose writing has begun since the link was opened. */
  get begun(): number {
    return this.#begun
  }

  /** Resolves when the broker has accepted. */
  send(outbound: Outbound, signal: AbortSignal): Promise<object> {
    return new Promise((resolve, reject) => {
      if (this.#dead || this.#closing) return reject(this.lost)
      if (signal.aborted) return reject(signal.reason)
      this.#hear(signal)
      const sending: Sending = {
        bytes: outbound.bytes,
        signal,
        ends: performance.now() + this.#options.sendTimeout,
        begins: () => {
          this.#begun++
          outbound.begins?.()
        },
        settled: outcome => {
          if (!this.#sending.delete(sending)) return
          const refusal = outbound.verdict(outcome)
          if (refusal) reject(refusal)
          else resolve(sending)
        },
        reject,
      }
      this.#sending.add(sending)
      this.#timer ??= setTimeout(() => this.#expire(), this.#options.sendTimeout)
      this.#outgoing.add(sending)
    })
  }

  /** What is not confirmed rejects with LinkLost. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (!this.#dead) {
      const answered = new Promise(resolve => this.#sender.once('sender_close', resolve))
      this.#outgoing.stop()
      this.#sender.close()
      await within(this.#options.limit, 'detaching', Promise.race([answered, this.closed])).catch(() => {})
    }
    this.#end(undefined)
  }

  #end(error: Error | undefined): void {
    if (this.#dead) return
    this.#dead = true
    this.#forget()
    this.#outgoing.stop()
    clearTimeout(this.#timer)
    this.#lost = new LinkLost(`the link to ${this.#options.to} is gone`, { cause: error })
    for (const { reject } of this.#sending) reject(this.#lost)
    this.#sending.clear()
    this.#connection.endSession(this.#session)
    this.#resolveClosed(error)
  }

  #listen(): void {
    const ended = (sent: unknown, did: string) =>
      this.#end(this.#closing ? undefined : brokerError(sent, did))
    this.#session.on('session_error', () => ended(this.#session.error, 'the broker ended the session'))
    this.#session.on('session_close', () => ended(undefined, 'the broker ended the session'))
    this.#session.on('sender_error', ({ sender }) => ended(sender?.error, 'the broker detached the link'))
    this.#session.on('sender_close', () => ended(undefined, 'the broker detached the link'))
  }

  /** The first is the one that was sent first, and all have the same time. */
  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const sending of this.#sending) {
      if (sending.ends > now) {
        this.#timer = setTimeout(() => this.#expire(), sending.ends - now)
        return
      }
      this.#sending.delete(sending)
      sending.reject(this.#timedOut(this.#outgoing.withdraw(sending)))
    }
  }

  #timedOut(unsent: boolean): SinkUnavailable {
    const { to, sendTimeout } = this.#options
    const after = `after ${sendTimeout / 1000} s`
    return new SinkUnavailable(
      unsent
        ? `the broker gave no credit for ${to} ${after}: the queue is full, or it blocks senders`
        : `the broker did not confirm a message for ${to} ${after}; whether it has it is unknown`,
    )
  }

  /** One listener for all sends that have the same signal. */
  #hear(signal: AbortSignal): void {
    if (this.#signals.has(signal)) return
    this.#signals.add(signal)
    const stop = () => {
      for (const sending of this.#sending) {
        if (sending.signal !== signal) continue
        this.#outgoing.withdraw(sending)
        this.#sending.delete(sending)
        sending.reject(signal.reason)
      }
    }
    signal.addEventListener('abort', stop, { once: true })
    void this.closed.then(() => signal.removeEventListener('abort', stop))
  }
}

interface Sending extends Transfer {
  readonly signal: AbortSignal
  /** When its time is over, on the clock of `performance.now()`. */
  readonly ends: number
  reject(error: unknown): void
}
