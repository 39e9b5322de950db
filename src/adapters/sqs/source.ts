import { setTimeout as pause } from 'node:timers/promises'
import type { Deliver, Endpoint, LinkContext, Source } from '../../core/adapter.ts'
import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost, sentence } from '../../core/errors.ts'
import type { SqsReceived } from '../shared/aws/calls.ts'
import type { Pointer } from '../shared/aws/claim-check.ts'
import { type Bucket, openBucket } from '../shared/aws/claim-check-bucket.ts'
import { receivedSize } from '../shared/aws/decode.ts'
import { withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { isMissing, type Judge, judge } from '../shared/aws/verdict.ts'
import { within } from '../shared/within.ts'
import { type Claimed, Claims } from './claims.ts'
import { decode, decodeRaw } from './codec.ts'
import { Deletions } from './deletions.ts'
import { type OpenQueue, openQueue } from './open-queue.ts'
import type { SqsSourceOptions } from './options.ts'
import { Poller } from './poller.ts'
import { type Held, Visibility } from './visibility.ts'

type At = Endpoint<AwsConnectionOptions, SqsSourceOptions>

/** Milliseconds for which receives may fail before the link is taken for dead. */
const patience = 10_000
/** Milliseconds that each step of closing may take. */
const closeLimit = 5_000
/** Seconds, where the queue's own timeout is 0: nothing could be carried before it is handed out again. */
const ownTimeout = 30
const batchSize = 10

/** Needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes, and sqs:GetQueueUrl for names. */
export function openSource(
  { connection: options, options: own }: At,
  deliver: Deliver,
  { signal, report }: LinkContext,
): Promise<Source> {
  return withAws(options, signal, async (connection, release) => {
    const queue = await openQueue(connection, options, own.queue, own.call_timeout)
    const { claim_check: check, call_timeout } = own
    const bucket = check && (await openBucket(connection, options, check, call_timeout))
    // Given up meanwhile: nobody would close what is made from here on.
    signal.throwIfAborted()
    const notice = (text: string) => report({ type: 'notice', text })
    return new SqsSource(queue, own, { deliver, release, notice, bucket })
  })
}

interface Outside {
  readonly deliver: Deliver
  /** Gives the connection back; never rejects. */
  release(): Promise<void>
  notice(text: string): void
  readonly bucket: Bucket | undefined
}

/**
 * A queue is no connection that could break: the link dies when receiving has failed for `patience`. Deliveries are
 * deleted once settled, and kept invisible until then; closing makes the rest visible at once.
 */
class SqsSource implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #queue: OpenQueue
  readonly #options: SqsSourceOptions
  readonly #outside: Outside
  readonly #seconds: number
  readonly #poller: Poller
  readonly #visibility: Visibility
  readonly #deletions: Deletions
  readonly #claims: Claims | undefined
  readonly #ending = new AbortController()
  readonly #receiving: Judge
  readonly #resolveClosed: (error: Error | undefined) => void
  /** Actions whose last call failed. */
  readonly #failing = new Set<string>()
  #failingSince: number | undefined
  #closing: Promise<void> | undefined

  constructor(queue: OpenQueue, options: SqsSourceOptions, outside: Outside) {
    this.#queue = queue
    this.#options = options
    this.#outside = outside
    const { url, calls, attributes, doing } = queue
    this.#seconds = Number(attributes.VisibilityTimeout) || ownTimeout
    this.#receiving = judge(doing('sqs:ReceiveMessage'))
    const extending = 'sqs:ChangeMessageVisibility'
    this.#visibility = new Visibility(
      this.#seconds,
      (handles, s) => this.#watch(extending, calls.changeVisibilityBatch(url, handles, s)),
      judge(doing(extending)),
    )
    this.#deletions = new Deletions(
      handles => this.#watch('sqs:DeleteMessage', calls.deleteBatch(url, handles)),
      judge(doing('sqs:DeleteMessage')),
      this.#visibility,
    )
    const poll = { wait: options.wait / 1_000, visibility: this.#seconds }
    this.#poller = new Poller({
      pollers: options.pollers,
      receive: (count, signal) =>
        this.#watch('sqs:ReceiveMessage', calls.receive(url, { ...poll, count }, signal)),
      take: (received, began) => this.#take(received, began),
      giveBack: received => this.#makeVisible(received.map(r => r.ReceiptHandle!)),
      failed: error => this.#failed(error),
      worked: () => {
        this.#failingSince = undefined
      },
    })
    const { bucket, notice } = outside
    const { claim_check: check } = options
    this.#claims = check && bucket && new Claims(options, check, { bucket, room: this.#poller, notice })
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  grant(messages: number, bytes: number): void {
    this.#poller.grant(messages, bytes)
    this.#claims?.look()
  }

  async stop(): Promise<void> {
    this.#poller.stop()
    this.#claims?.stop()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    void this.stop()
    // Aborted receives could leave messages invisible for their time.
    const wait = this.#options.wait + closeLimit
    const receives = within(wait, 'receiving', this.#poller.ended()).catch(() => {})
    await within(closeLimit, 'deleting', this.#deletions.ended()).catch(() => {})
    await this.#giveBack('the source was closed')
    await receives
    await this.#end(undefined)
  }

  /** The link is dead. */
  #die(error: Error): void {
    void this.stop()
    this.#closing ??= this.#giveBack('receiving from its queue fails').then(() => this.#end(error))
  }

  async #giveBack(why: string): Promise<void> {
    const held = this.#visibility.loseAll(why)
    // One that overtakes us would hide again what we make visible.
    await within(closeLimit, 'extending', this.#visibility.ended()).catch(() => {})
    await this.#makeVisible(held.map(h => h.handle))
  }

  async #end(error: Error | undefined): Promise<void> {
    const ended = new LinkLost('the source is closed')
    this.#ending.abort(ended)
    this.#poller.abort(ended)
    await this.#deletions.close()
    await within(closeLimit, 'deleting objects', this.#claims?.ended() ?? Promise.resolve()).catch(() => {})
    await this.#outside.release()
    this.#resolveClosed(error)
  }

  #take(received: SqsReceived, began: number): number {
    // SQS handed it out within the time that it waits for messages; the answer may have been longer on its way.
    const receivedAt = Math.min(performance.now(), began + this.#options.wait)
    const group = received.Attributes?.MessageGroupId
    const held = this.#visibility.hold(received.ReceiptHandle!, group, receivedAt)
    if (!this.#claims) return this.#deliver({ received }, held)
    this.#claims.take(received, held, claimed => {
      const size = this.#deliver(claimed, held)
      // That of the object was taken before it was fetched.
      this.#poller.spend(size - (claimed.pointer?.size ?? 0))
    })
    return 0
  }

  #deliver({ received, pointer, fault }: Claimed, held: Held): number {
    const size = receivedSize(received)
    const count = Number(received.Attributes?.ApproximateReceiveCount)
    const delivery: Delivery = {
      ...(fault
        ? { message: decodeRaw(received, this.#options.queue), fault }
        : decode(received, this.#options)),
      size,
      ...(received.MessageId !== undefined && { id: received.MessageId }),
      ...(count > 0 && { deliveryCount: count - 1 }),
      lost: held.lost.signal,
      settle: outcome => this.#settle(held, outcome, pointer),
    }
    this.#outside.deliver(delivery)
    return size
  }

  async #settle(held: Held, outcome: Outcome, pointer: Pointer | undefined): Promise<void> {
    if (outcome === 'rejected') throw new Error('SQS has no way to reject a message')
    await this.#deletions.delete(held)
    this.#claims?.deleted(pointer)
  }

  /** Never rejects: what stays invisible comes when its time is over. */
  async #makeVisible(handles: readonly string[]): Promise<void> {
    const { url, calls } = this.#queue
    const batches: Promise<unknown>[] = []
    for (let i = 0; i < handles.length; i += batchSize) {
      batches.push(calls.changeVisibilityBatch(url, handles.slice(i, i + batchSize), 0))
    }
    await within(closeLimit, 'giving back', Promise.allSettled(batches)).catch(() => {})
  }

  /** A queue that is gone ends the link, whichever call hears of it. Other failures are said once, until one succeeds. */
  async #watch<T>(action: string, call: Promise<T>): Promise<T> {
    try {
      const answer = await call
      this.#failing.delete(action)
      return answer
    } catch (thrown) {
      const error = judge(this.#queue.doing(action)).call(thrown)
      if (isMissing(thrown)) this.#die(error)
      else if (!this.#closing && !this.#failing.has(action)) {
        this.#failing.add(action)
        this.#outside.notice(`${sentence(error)}; trying again`)
      }
      throw thrown
    }
  }

  async #failed(thrown: unknown): Promise<void> {
    const error = this.#receiving.call(thrown)
    const now = performance.now()
    if (this.#closing) return
    if (this.#failingSince === undefined) {
      this.#failingSince = now
    } else if (now - this.#failingSince >= patience) {
      return this.#die(error)
    }
    const passed = now - this.#failingSince
    await pause(Math.min(2_000, 100 + passed) * Math.random(), undefined, {
      signal: this.#ending.signal,
    }).catch(() => {})
  }
}
