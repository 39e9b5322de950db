import type { Prepared } from '../../../core/adapter.ts'
import { LinkLost, SinkUnavailable, toError } from '../../../core/errors.ts'
import { onAbort } from '../../../core/on-abort.ts'
import { within } from '../within.ts'
import type { EntryResult } from './calls.ts'
import { Groups } from './groups.ts'
import { Slots } from './slots.ts'
import { type Judge, PlaceRefused } from './verdict.ts'

/** SendMessageBatch and PublishBatch take ten entries. */
const maxEntries = 10
/** Milliseconds a call that is not full waits for more messages while others are in flight. */
const fillTime = 5

/** What the batcher looks at. `group` is the FIFO group whose order must be kept. */
export interface Batchable extends Prepared {
  readonly group?: string
}

export interface Batching<P extends Batchable> {
  call(prepared: readonly P[]): Promise<readonly EntryResult[]>
  readonly judge: Judge
  /** Bytes of all entries of a call. */
  readonly maxBytes: number
  /** Calls in flight; slots where others call as well. */
  readonly concurrency: number | Slots
  /** Messages of one group in one call; there is never a second call in flight with a message of the group. */
  readonly perGroup: 'one' | 'many'
}

interface Pending<P> {
  readonly prepared: P
  resolve(call: object): void
  reject(reason: unknown): void
  /** Settled for whoever sent it; when in flight, it still holds its group until the call ends. */
  done: boolean
}

/**
 * Puts messages into calls of up to ten, settled entry by entry. A message that comes while nothing is in flight goes
 * at once; while calls are in flight a call waits until it is full or `fillTime` has passed, so that a stalled call
 * holds up nobody and a steady flow fills its calls.
 *
 * A message is *held back* while its group is busy, *ready* until a call takes it, then *in flight* until its entry
 * is settled. A group is busy from its first ready message to the end of the last one in flight.
 */
export class Batcher<P extends Batchable> {
  readonly #batching: Batching<P>
  readonly #ready: Pending<P>[] = []
  readonly #groups = new Groups<Pending<P>>()
  readonly #calls = new Set<Promise<void>>()
  readonly #inFlight = new Set<Pending<P>>()
  readonly #slots: Slots
  readonly #wake = () => this.#start(false)
  #readyBytes = 0
  #woken = false
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(batching: Batching<P>) {
    this.#batching = batching
    const { concurrency } = batching
    this.#slots = typeof concurrency === 'number' ? new Slots(concurrency) : concurrency
  }

  /** As `Sink.send`. Aborting the signal gives up this message only; one that is in flight may arrive all the same. */
  send(prepared: P, signal: AbortSignal): Promise<object> {
    if (this.#closed) return Promise.reject(new LinkLost('the sink is closed'))
    if (signal.aborted) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<object>()
    const settled = (settle: () => void) => {
      if (pending.done) return
      pending.done = true
      forgetSignal()
      settle()
    }
    const pending: Pending<P> = {
      prepared,
      resolve: call => settled(() => resolve(call)),
      reject: reason => settled(() => reject(reason)),
      done: false,
    }
    const forgetSignal = onAbort(signal, () => this.#abort(pending, signal.reason))
    if (prepared.group === undefined || this.#groups.enter(prepared.group, pending)) this.#add(pending)
    return promise
  }

  /** Rejects what is not in flight, waits for what is, at most so many milliseconds, and rejects the rest. Never rejects. */
  async close(limit: number): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const lost = new LinkLost('the sink was closed before the message was sent')
    for (const pending of [...this.#ready.splice(0), ...this.#groups.clear()]) pending.reject(lost)
    await within(limit, 'waiting for calls in flight', Promise.all(this.#calls)).catch(() => {})
    const unknown = new LinkLost('the sink was closed while the message was in flight')
    for (const pending of this.#inFlight) pending.reject(unknown)
  }

  #add(pending: Pending<P>): void {
    this.#ready.push(pending)
    this.#readyBytes += pending.prepared.size
    if (this.#woken) return
    this.#woken = true
    queueMicrotask(() => {
      this.#woken = false
      this.#start(false)
    })
  }

  #start(partial: boolean): void {
    const { maxBytes } = this.#batching
    while (this.#ready.length > 0) {
      const full = this.#ready.length >= maxEntries || this.#readyBytes > maxBytes
      if (!full && !partial && this.#calls.size > 0) {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined
          this.#start(true)
        }, fillTime)
        return
      }
      if (!this.#slots.take(this.#wake)) return
      const call = this.#run(this.#take()).finally(() => {
        this.#calls.delete(call)
        this.#slots.giveBack()
        this.#start(false)
      })
      this.#calls.add(call)
    }
  }

  /** The next ten ready messages, or as many as fit; with `many`, followed by those held back behind them. */
  #take(): Pending<P>[] {
    const { maxBytes, perGroup } = this.#batching
    let count = 0
    let bytes = 0
    const fits = (next: Pending<P>) =>
      count === 0 || (count < maxEntries && bytes + next.prepared.size <= maxBytes)
    while (count < this.#ready.length && fits(this.#ready[count]!)) {
      bytes += this.#ready[count]!.prepared.size
      count++
    }
    const batch = this.#ready.splice(0, count)
    this.#readyBytes -= bytes
    if (perGroup === 'many') {
      for (const { prepared } of batch.slice()) {
        if (prepared.group === undefined) continue
        for (const next of this.#groups.join(prepared.group, fits)) {
          batch.push(next)
          bytes += next.prepared.size
          count++
        }
      }
    }
    for (const pending of batch) this.#inFlight.add(pending)
    return batch
  }

  /** Never rejects, and leaves nobody waiting. */
  async #run(batch: readonly Pending<P>[]): Promise<void> {
    try {
      await this.#settleAll(batch)
    } catch (error) {
      for (const pending of batch) if (this.#inFlight.has(pending)) this.#settle(pending, toError(error))
    }
  }

  async #settleAll(batch: readonly Pending<P>[]): Promise<void> {
    const failure = await this.#call(batch)
    if (failure === undefined) return
    if (batch.length === 1 || failure instanceof SinkUnavailable || failure instanceof PlaceRefused) {
      for (const pending of batch) this.#settle(pending, failure)
      return
    }
    // One of them is at fault, or nobody knows what is: alone, each finds out for itself.
    let unavailable: Error | undefined
    for (const pending of batch) {
      // Given up meanwhile by its sender or by `close`.
      if (pending.done) this.#settle(pending, failure)
      if (pending.done) continue
      const alone: Error | undefined = unavailable ?? (await this.#call([pending]))
      if (alone !== undefined) this.#settle(pending, alone)
      if (alone instanceof SinkUnavailable) unavailable = alone
    }
  }

  /** One call. Settles its entries, or returns what the failure of all of it means. */
  async #call(batch: readonly Pending<P>[]): Promise<Error | undefined> {
    const { call, judge } = this.#batching
    let results: readonly EntryResult[]
    try {
      results = await call(batch.map(p => p.prepared))
    } catch (error) {
      return judge.call(error)
    }
    const stamp = {}
    let unavailable: SinkUnavailable | undefined
    for (const [i, pending] of batch.entries()) {
      const result = results[i]
      let outcome: object = stamp
      if (result !== 'taken') outcome = result === undefined ? judge.unmentioned() : judge.entry(result)
      // One call, one error: the breaker counts calls.
      if (outcome instanceof SinkUnavailable) outcome = unavailable ??= outcome
      this.#settle(pending, outcome)
    }
    return undefined
  }

  #settle(pending: Pending<P>, outcome: object | Error): void {
    this.#inFlight.delete(pending)
    if (outcome instanceof Error) pending.reject(outcome)
    else pending.resolve(outcome)
    this.#leave(pending)
  }

  #leave({ prepared: { group } }: Pending<P>): void {
    const next = group === undefined ? undefined : this.#groups.leave(group)
    if (next) this.#add(next)
  }

  #abort(pending: Pending<P>, reason: unknown): void {
    pending.reject(reason)
    const at = this.#ready.indexOf(pending)
    if (at >= 0) {
      this.#ready.splice(at, 1)
      this.#readyBytes -= pending.prepared.size
      this.#leave(pending)
    } else if (pending.prepared.group !== undefined) {
      this.#groups.remove(pending.prepared.group, pending)
    }
  }
}
