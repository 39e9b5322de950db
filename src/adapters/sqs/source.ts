import { setTimeout as pause } from 'node:timers/promises'
import type { Deliver, Endpoint, LinkContext, Source } from '../../core/adapter.ts'
import type { Delivery, Outcome } from '../../core/delivery.ts'
import { LinkLost, SinkUnavailable, sentence } from '../../core/errors.ts'
import { Batcher } from '../shared/aws/batcher.ts'
import type { SqsReceived } from '../shared/aws/calls.ts'
import { withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { isMissing, type Judge, judge } from '../shared/aws/verdict.ts'
import { within } from '../shared/within.ts'
import { decode } from './codec.ts'
import { type OpenQueue, openQueue } from './open-queue.ts'
import type { SqsSourceOptions } from './options.ts'
import { Poller } from './poller.ts'
import { type Held, Visibility } from './visibility.ts'

type At = Endpoint<AwsConnectionOptions, SqsSourceOptions>

interface Deletion {
  readonly handle: string
  readonly size: number
}

/** Milliseconds for which receives may fail before the link is taken for dead. */
const patience = 10_000
/** Milliseconds that each step of closing may take. */
const closeLimit = 5_000
/** Seconds, where the queue's own timeout is 0: nothing could be carried before it is handed out again. */
const ownTimeout = 30
const batchSize = 10
const never = new AbortController().signal

/** Needs sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes, and sqs:GetQueueUrl for names. */
export function openSource(
  { connection: options, options: own }: At,
  deliver: Deliver,
  { signal, report }: LinkContext,
): Promise<Source> {
  return withAws(options, signal, async (connection, release) => {
    const queue = await openQueue(connection, options, own.queue, own.call_timeout)
    return new SqsSource(queue, own, { deliver, release, notice: text => report({ type: 'notice', text }) })
  })
}

interface Outside {
  readonly deliver: Deliver
  /** Gives the connection back; never rejects. */
  release(): Promise<void>
  notice(text: string): void
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
  readonly #deletions: Batcher<Deletion>
  readonly #settling = new Set<Promise<void>>()
  readonly #ending = new AbortController()
  readonly #receiving: Judge
  readonly #resolveClosed: (error: Error | undefined) => void
  #failingSince: number | undefined
  #closing: Promise<void> | undefined

  constructor(queue: OpenQueue, options: SqsSourceOptions, outside: Outside) {
    this.#queue = queue
    this.#options = options
    this.#outside = outside
    const { url, calls, attributes, doing } = queue
    this.#seconds = Number(attributes.VisibilityTimeout) || ownTimeout
    this.#receiving = judge(doing('sqs:ReceiveMessage'))
    this.#visibility = new Visibility(this.#seconds, (handles, s) =>
      this.#watch(calls.changeVisibilityBatch(url, handles, s)),
    )
    this.#deletions = new Batcher<Deletion>({
      call: batch =>
        this.#watch(
          calls.deleteBatch(
            url,
            batch.map(d => d.handle),
          ),
        ),
      judge: judge(doing('sqs:DeleteMessage')),
      maxBytes: Number.POSITIVE_INFINITY,
      concurrency: 64,
      perGroup: 'many',
    })
    const poll = { wait: options.wait / 1_000, visibility: this.#seconds }
    this.#poller = new Poller({
      pollers: options.pollers,
      receive: (count, signal) => this.#watch(calls.receive(url, { ...poll, count }, signal)),
      take: received => this.#take(received),
      giveBack: received => this.#makeVisible(received.map(r => r.ReceiptHandle!)),
      failed: error => this.#failed(error),
      worked: () => {
        this.#failingSince = undefined
      },
    })
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
  }

  grant(messages: number, bytes: number): void {
    this.#poller.grant(messages, bytes)
  }

  async stop(): Promise<void> {
    this.#poller.stop()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#poller.stop()
    // Aborted receives could leave messages invisible for their time.
    const wait = this.#options.wait + closeLimit
    const receives = within(wait, 'receiving', this.#poller.ended()).catch(() => {})
    await within(closeLimit, 'deleting', Promise.all(this.#settling)).catch(() => {})
    const held = this.#visibility.loseAll('the source was closed')
    await this.#makeVisible(held.map(h => h.handle))
    await receives
    await this.#end(undefined)
  }

  /** The link is dead. */
  #die(error: Error): void {
    this.#closing ??= Promise.resolve().then(() => {
      this.#visibility.loseAll('receiving from its queue fails')
      return this.#end(error)
    })
  }

  async #end(error: Error | undefined): Promise<void> {
    const ended = new LinkLost('the source is closed')
    this.#ending.abort(ended)
    this.#poller.abort(ended)
    await this.#deletions.close(0)
    await this.#outside.release()
    this.#resolveClosed(error)
  }

  #take(received: SqsReceived): number {
    const held = this.#visibility.hold(received.ReceiptHandle!)
    const count = Number(received.Attributes?.ApproximateReceiveCount)
    const size = sizeOf(received)
    const delivery: Delivery = {
      ...decode(received, this.#options),
      size,
      ...(received.MessageId !== undefined && { id: received.MessageId }),
      ...(count > 0 && { deliveryCount: count - 1 }),
      lost: held.lost.signal,
      settle: outcome => this.#settle(held, outcome),
    }
    this.#outside.deliver(delivery)
    return size
  }

  #settle(held: Held, outcome: Outcome): Promise<void> {
    if (outcome === 'rejected') return Promise.reject(new Error('SQS has no way to reject a message'))
    const settling = this.#delete(held)
    const known = settling.then(
      () => {},
      () => {},
    )
    this.#settling.add(known)
    void known.then(() => this.#settling.delete(known))
    return settling
  }

  /** Tries as long as the message is ours: what is not deleted would come again. */
  async #delete(held: Held): Promise<void> {
    const { signal } = held.lost
    held.settling = true
    for (let delay = 200; ; delay = Math.min(5_000, delay * 2)) {
      if (signal.aborted) throw signal.reason
      try {
        await this.#deletions.send({ handle: held.handle, size: 0 }, never)
        this.#visibility.release(held)
        return
      } catch (error) {
        if (!(error instanceof SinkUnavailable)) {
          this.#visibility.lose(held, `it cannot be deleted and comes again: ${sentence(error)}`)
          throw signal.reason
        }
      }
      await pause(delay * Math.random(), undefined, {
        signal: AbortSignal.any([signal, this.#ending.signal]),
      }).catch(() => {})
    }
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

  /** A queue that is gone ends the link, whichever call hears of it. */
  async #watch<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      if (isMissing(error)) this.#die(this.#receiving.call(error))
      throw error
    }
  }

  async #failed(thrown: unknown): Promise<void> {
    const error = this.#receiving.call(thrown)
    const now = performance.now()
    if (this.#closing) return
    if (this.#failingSince === undefined) {
      this.#failingSince = now
      this.#outside.notice(`${sentence(error)}; trying again`)
    } else if (now - this.#failingSince >= patience) {
      return this.#die(error)
    }
    const passed = now - this.#failingSince
    await pause(Math.min(2_000, 100 + passed) * Math.random(), undefined, {
      signal: this.#ending.signal,
    }).catch(() => {})
  }
}

/** Bytes of the body and of the attributes, as SQS counts them, near enough. */
function sizeOf({ Body = '', MessageAttributes = {} }: SqsReceived): number {
  let size = Buffer.byteLength(Body)
  for (const name in MessageAttributes) {
    const { DataType = '', StringValue = '', BinaryValue = '' } = MessageAttributes[name]!
    size += name.length + DataType.length + StringValue.length + BinaryValue.length
  }
  return size
}
