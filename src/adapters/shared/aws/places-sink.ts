import type { Limits, Sink } from '../../../core/adapter.ts'
import { LinkLost, MessageRefused } from '../../../core/errors.ts'
import { untilAborted } from '../within.ts'
import { type Batchable, Batcher, type Batching } from './batcher.ts'
import type { Claim } from './claim-check.ts'
import type { ClaimStore } from './claim-check-store.ts'
import { Slots } from './slots.ts'
import { isMissing } from './verdict.ts'

/** A message that says where it goes. */
export interface Placed extends Batchable {
  readonly place: string
  /** The body that is stored before it is sent. */
  readonly claim?: Claim
}

/** A queue or topic, looked up. */
export interface Place<P extends Batchable> {
  readonly limits: Limits
  readonly batching: Omit<Batching<P>, 'concurrency'>
}

export interface PlacesSinkParts<P extends Placed> {
  /** Of any place there could be; each may have a narrower one. */
  readonly limits: Limits
  /** Calls in flight, to all places together. */
  readonly concurrency: number
  /** Throws MessageRefused for a place that is not there or not ours to use, and SinkUnavailable. */
  find(place: string): Promise<Place<P>>
  check(signal: AbortSignal): Promise<void>
  readonly claims?: ClaimStore | undefined
  /** Gives the connection back; never rejects. */
  release(): Promise<void>
}

interface Entry<P extends Placed> {
  readonly found: Promise<Found<P>>
  /** Set a turn after `found`, so that nobody passes those who waited for it. */
  ready?: Found<P>
  users: number
  usedAt: number
}

interface Found<P extends Placed> {
  readonly limits: Limits
  readonly batcher: Batcher<P>
}

/** Calls in flight get so many milliseconds to end when the sink is closed. */
const closeLimit = 5_000
/** Places that are kept beyond those in use, and milliseconds after which one that is idle is forgotten. */
const [mostKept, idleTime] = [1_000, 300_000]

/**
 * A sink whose messages say where they go. Each place is looked up when it is first used, has batches of its own, and
 * is forgotten when it is idle or gone; a place that is missing is the fault of the messages that go there, and of no others.
 */
export class PlacesSink<P extends Placed> implements Sink<P> {
  readonly limits: Limits
  readonly closed: Promise<undefined>
  readonly #parts: PlacesSinkParts<P>
  readonly #slots: Slots
  /** The one used last comes last. */
  readonly #places = new Map<string, Entry<P>>()
  readonly #ended = new AbortController()
  readonly #timer: NodeJS.Timeout
  readonly #resolveClosed: () => void
  #closing: Promise<void> | undefined

  constructor(parts: PlacesSinkParts<P>) {
    this.#parts = parts
    this.limits = parts.limits
    this.#slots = new Slots(parts.concurrency)
    this.#timer = setInterval(() => this.#forgetIdle(performance.now() - idleTime), idleTime / 5).unref()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.closed = promise
    this.#resolveClosed = () => resolve(undefined)
  }

  async send(prepared: P, signal: AbortSignal): Promise<object> {
    if (this.#closing) throw new LinkLost('the sink is closed')
    const entry = this.#entry(prepared.place)
    entry.users++
    try {
      const { limits, batcher } = entry.ready ?? (await this.#found(entry, signal))
      if (prepared.size > limits.maxMessageSize) {
        throw new MessageRefused(
          `the message has ${prepared.size} bytes with its attributes, and ${prepared.place} takes ${limits.maxMessageSize}: ` +
            'claim_check with a threshold that is no higher stores large bodies in S3',
        )
      }
      const { claims } = this.#parts
      if (!claims) return await batcher.send(prepared, signal)
      return await claims.send(prepared, signal, () => batcher.send(prepared, signal))
    } finally {
      entry.users--
      entry.usedAt = performance.now()
    }
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#parts.check(signal)
    await this.#parts.claims?.check(signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer)
    this.#ended.abort(new LinkLost('the sink was closed before the message was sent'))
    const entries = [...this.#places.values()]
    await Promise.all(entries.map(({ ready }) => ready?.batcher.close(closeLimit)))
    await this.#parts.release()
    this.#resolveClosed()
  }

  #found({ found }: Entry<P>, signal: AbortSignal): Promise<Found<P>> {
    return untilAborted(found, AbortSignal.any([signal, this.#ended.signal]))
  }

  #entry(place: string): Entry<P> {
    const known = this.#places.get(place)
    if (known) {
      this.#places.delete(place)
      this.#places.set(place, known)
      return known
    }
    if (this.#places.size >= mostKept) this.#forgetIdle(Number.POSITIVE_INFINITY, 1)
    const entry: Entry<P> = { found: this.#find(place, () => entry), users: 0, usedAt: performance.now() }
    this.#places.set(place, entry)
    entry.found.then(
      found => setImmediate(() => Object.assign(entry, { ready: found })),
      () => this.#forget(place, entry),
    )
    return entry
  }

  async #find(place: string, self: () => Entry<P>): Promise<Found<P>> {
    await this.#slots.taken()
    try {
      const { limits, batching } = await this.#parts.find(place)
      const batcher = new Batcher<P>({
        ...batching,
        concurrency: this.#slots,
        call: async batch => {
          try {
            return await batching.call(batch)
          } catch (error) {
            if (isMissing(error)) this.#forget(place, self())
            throw error
          }
        },
      })
      return { limits, batcher }
    } finally {
      this.#slots.giveBack()
    }
  }

  #forget(place: string, entry: Entry<P>): void {
    if (this.#places.get(place) === entry) this.#places.delete(place)
  }

  /** Those that nobody has used since, the longest idle first, at most so many. */
  #forgetIdle(since: number, most = Number.POSITIVE_INFINITY): void {
    let left = most
    for (const [place, { users, usedAt }] of this.#places) {
      if (left === 0) return
      if (users > 0 || usedAt > since) continue
      this.#places.delete(place)
      left--
    }
  }
}
