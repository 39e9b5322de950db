import type { Endpoint, LinkContext, Sink } from '../../core/adapter.ts'
import { LinkLost, SinkUnavailable } from '../../core/errors.ts'
import { onAbort } from '../../core/on-abort.ts'
import { isTemplate } from '../../core/template.ts'
import { within } from '../shared/within.ts'
import { errorWords, type Frame } from './codec.ts'
import type { StompConnection } from './connection.ts'
import { expirationOf, type StompLimits, type StompPrepared } from './encode.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'
import { Progress } from './progress.ts'
import { absence, RabbitQueues } from './rabbit-queues.ts'
import { type Send, Sends } from './sends.ts'
import { acquit, endedUnder, isSuspect, suspect } from './suspects.ts'
import { describe } from './target.ts'
import { isEnding, isNamed, verdict } from './verdict.ts'

type At = Endpoint<ConnectionOptions, SinkOptions>

/** Bytes that may wait for a broker that does not read. */
const maxUnsent = 256 * 1024

/** Milliseconds in which it must be clear who is meant by an ERROR that names nobody, before the link is given up. */
const grace = 5_000

/**
 * Sends on a connection of its own: ActiveMQ holds up producers by not reading their connection, and acknowledgements
 * on it would wait too.
 *
 * A send *waits* until the connection takes more, is then *written*, and ends with its RECEIPT, with an ERROR, at its
 * deadline, or with the link. ActiveMQ and Artemis say which SEND an ERROR is about. RabbitMQ does not: where it goes on
 * after it, the guilty are those that are left when all others have their receipt; where it ends the connection, all
 * that were written are suspects, and are sent one by one on the next link (suspects.ts).
 */
export class SendingLink implements Sink<StompPrepared> {
  readonly limits: StompLimits
  readonly closed: Promise<Error | undefined>
  readonly #connection: StompConnection
  readonly #at: At
  readonly #sends = new Sends()
  readonly #say: (text: string) => void
  readonly #progress: Progress
  readonly #queues: RabbitQueues
  readonly #ended = new AbortController()
  readonly #timer: NodeJS.Timeout
  #last = 0
  /** Words of ERROR frames of which it is not known whom they mean, and when the first of them came. */
  #unresolved: string[] = []
  #unresolvedSince = 0
  /** A suspect that is out, with nobody beside it. */
  #alone: Send | undefined

  constructor(connection: StompConnection, at: At, limits: StompLimits, context: LinkContext) {
    this.#connection = connection
    this.#at = at
    this.limits = limits
    this.#say = text => context.report({ type: 'notice', text })
    this.#progress = new Progress(this.#say)
    this.#queues = new RabbitQueues(at.connection, this.#ended.signal, (queue, failure) => {
      for (const send of this.#sends.recall(queue)) if (failure) this.#giveUp(send, failure)
      this.#pump()
    })
    connection.onReceipt = id => this.#confirmed(id)
    connection.onError = frame => this.#faulted(frame)
    connection.onDrain = () => this.#pump()
    this.#timer = setInterval(() => this.#tick(), Math.min(1_000, at.options.send_timeout / 4))
    this.closed = connection.closed.then(error => this.#end(error))
  }

  send(prepared: StompPrepared, signal: AbortSignal): Promise<object> {
    if (this.#ended.signal.aborted) return Promise.reject(new LinkLost('the connection is gone'))
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.#at.options.send_timeout
      const unwatch = onAbort(signal, () => this.#giveUp(send, signal.reason))
      const send: Send = { id: String(++this.#last), prepared, deadline, unwatch, resolve, reject }
      this.#sends.add(send)
      this.#pump()
    })
  }

  async check(signal: AbortSignal): Promise<void> {
    const place = describe(this.#at.options)
    if (this.#ended.signal.aborted) throw new LinkLost(`${place} cannot be reached: the connection is gone`)
    const limit = this.#at.options.send_timeout
    const transaction = ['transaction', `check-${++this.#last}`] as const
    try {
      const begun = this.#connection.request(limit, 'asking whether the broker takes anything', 'BEGIN', [
        transaction,
      ])
      await within(limit, 'asking whether the broker takes anything', begun, signal)
      this.#connection.send('ABORT', [transaction])
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof LinkLost) throw cause
      throw new SinkUnavailable(`checking ${place}`, { cause })
    }
    await this.checkQueue()
  }

  /** Throws unless the one queue is known to be there. */
  async checkQueue(): Promise<void> {
    const { queue } = this.#at.options
    if (this.limits.broker !== 'rabbitmq' || queue === undefined || isTemplate(queue)) return
    const presence = await this.#queues.ask(queue)
    if (presence !== 'there') throw absence(presence, queue, false, this.#at.connection)
  }

  async close(): Promise<void> {
    await this.#connection.close()
    await this.closed
  }

  /** Writes what may be written, in the order of `send`. What goes to a queue of which nothing is known lets others by. */
  #pump(): void {
    for (const send of this.#sends.waiting) {
      if (this.#mustWait(send)) return
      const { target, isChosen } = send.prepared
      const presence = target.unseen === undefined ? 'there' : this.#queues.look(target.unseen)
      if (presence === 'there') this.#write(send)
      else if (presence === undefined) this.#sends.hold(send)
      else this.#giveUp(send, absence(presence, target.unseen!, isChosen, this.#at.connection))
    }
  }

  #mustWait({ prepared }: Send): boolean {
    if (this.#alone || this.#unresolved.length > 0) return true
    if (this.#connection.unsent >= maxUnsent || this.#ended.signal.aborted) return true
    return isSuspect(prepared) && this.#sends.written.size > 0
  }

  #write(send: Send): void {
    const { head, body, expiresAt } = send.prepared
    if (isSuspect(send.prepared)) this.#alone = send
    if (this.#sends.written.size === 0) this.#progress.begun()
    this.#sends.write(send)
    const left = expirationOf(expiresAt)
    const expiration = left === undefined ? '' : `expiration:${left}\n`
    const top = `SEND\n${head}${expiration}receipt:${send.id}\n\n`
    if (typeof body === 'string') this.#connection.write(`${top}${body}\0`)
    else {
      this.#connection.write(top)
      this.#connection.write(body)
      this.#connection.write('\0')
    }
  }

  #confirmed(id: string): void {
    this.#progress.made()
    const send = this.#sends.answered(id)
    if (send) {
      if (send === this.#alone) this.#alone = undefined
      acquit(send.prepared)
      send.unwatch()
      send.resolve({})
    }
    this.#resolve()
    this.#pump()
  }

  #faulted(frame: Frame): boolean {
    const words = errorWords(frame)
    const id = frame.headers.get('receipt-id')
    this.#progress.made()
    if (id !== undefined) {
      const send = this.#sends.answered(id)
      if (send) this.#giveUp(send, verdict(words, send.prepared))
    } else if (isEnding(words)) return false
    else if (!this.#named(words) && this.#unresolved.push(words) === 1)
      this.#unresolvedSince = performance.now()
    this.#resolve()
    this.#pump()
    return true
  }

  /**
   * Does an ERROR name a place that something went to? All that went there are at fault, but it is the answer to one of
   * them: from the others the broker will say the same, or not.
   */
  #named(words: string): boolean {
    const { strays, written } = this.#sends
    const sends = [...written.values()].filter(({ prepared }) => isNamed(words, prepared.target))
    const stray = [...strays].find(([, target]) => isNamed(words, target))
    const answered = stray?.[0] ?? sends[0]?.id
    if (answered === undefined) return false
    this.#sends.answered(answered)
    for (const send of sends) this.#giveUp(send, verdict(words, send.prepared))
    return true
  }

  /** Are as many left as the broker has found fault with, given up or not? Then it is they. */
  #resolve(): void {
    const { written, strays } = this.#sends
    if (this.#unresolved.length === 0 || written.size + strays.size > this.#unresolved.length) return
    const words = [...new Set(this.#unresolved)].join('; ')
    this.#unresolved = []
    for (const id of [...strays.keys(), ...written.keys()]) {
      const send = this.#sends.answered(id)
      if (send) this.#giveUp(send, verdict(words, send.prepared))
    }
  }

  #giveUp(send: Send, error: Error): void {
    this.#sends.drop(send)
    if (send === this.#alone) this.#alone = undefined
    send.unwatch()
    send.reject(error)
  }

  #tick(): void {
    const now = performance.now()
    for (const send of this.#sends.overdue(now)) {
      const { spoken } = send.prepared.target
      const seconds = this.#at.options.send_timeout / 1000
      const text = `sending to ${spoken}: the broker has not confirmed it within ${seconds} s (send_timeout)`
      this.#giveUp(send, new SinkUnavailable(text))
    }
    this.#progress.look(this.#sends.written.size > 0, this.#connection.unsent)
    if (this.#unresolved.length > 0 && now - this.#unresolvedSince > grace) void this.#connection.close()
  }

  /** The link is gone: every send ends, and whoever it may have been is remembered. */
  #end(error: Error | undefined): Error | undefined {
    clearInterval(this.#timer)
    this.#ended.abort()
    const words = this.#unresolved.join('; ')
    const reason = words === '' ? error : new LinkLost(`the broker said: ${words}`)
    const lost = new LinkLost(reason?.message ?? 'the connection was closed', { cause: reason?.cause })
    const written = new Set(this.#sends.written.values())
    for (const send of this.#sends.clear()) {
      send.unwatch()
      send.reject((written.has(send) && this.#blame(send, words, error)) || lost)
    }
    return reason
  }

  /** What is known of a message that was out when the link ended, if it ended on its account. */
  #blame({ prepared }: Send, words: string, error: Error | undefined): Error | undefined {
    if (words !== '') suspect(prepared)
    else if (error && endedUnder(prepared, this.#alone?.prepared === prepared)) {
      const text = `sending to ${prepared.target.spoken}: each time that this message was sent alone the broker ended the connection without a word (is it too large, or is a queue full that rejects?)`
      return new Error(text, { cause: error })
    }
    return undefined
  }
}
