import { setTimeout as pause } from 'node:timers/promises'
import type { SqsReceived } from '../shared/aws/calls.ts'

/** ReceiveMessage hands out ten at a time. */
const most = 10
/** Milliseconds from the start of a receive that finds nothing to the next. */
const soonest = 500

export interface Polling {
  /** Receives in flight, at most. */
  readonly pollers: number
  receive(count: number, signal: AbortSignal): Promise<readonly SqsReceived[]>
  /** Takes what came, by a receive that began then (`performance.now()`); returns its bytes. */
  take(received: SqsReceived, began: number): number
  /** Came after `stop()`: nobody has room for it. */
  giveBack(received: readonly SqsReceived[]): Promise<void>
  /** A receive failed. Resolves when the next may be tried. */
  failed(error: unknown): Promise<void>
  worked(): void
}

/**
 * Receives as long as there is room for what may come: each receive reserves the room that it could fill. One waits
 * while the queue is empty; while receives come back full, one more is added each time, up to `pollers`.
 */
export class Poller {
  readonly #polling: Polling
  readonly #abort = new AbortController()
  readonly #active = new Set<Promise<void>>()
  #room = 0
  #bytes = 0
  #wanted = 1
  #stopped = false

  constructor(polling: Polling) {
    this.#polling = polling
  }

  grant(messages: number, bytes: number): void {
    this.#room += messages
    this.#bytes += bytes
    this.#start()
  }

  /** Is anything left of the bytes that were granted? */
  get hasRoom(): boolean {
    return this.#bytes > 0
  }

  /** So many more bytes belong to what was taken before. */
  spend(bytes: number): void {
    this.#bytes -= bytes
    if (bytes < 0) this.#start()
  }

  /** No more receives, and nothing is taken from now on. */
  stop(): void {
    this.#stopped = true
  }

  /** Resolves once no receive is in flight and what came too late was given back. */
  async ended(): Promise<void> {
    await Promise.all(this.#active)
  }

  /** Ends receives that are in flight; what SQS is just handing out to them stays invisible for its time. */
  abort(reason: Error): void {
    this.stop()
    this.#abort.abort(reason)
  }

  #start(): void {
    const may = () => !this.#stopped && this.#active.size < this.#wanted && this.#bytes > 0
    // A receive for less than ten costs as much as one for ten: it is worth it only where nothing else is under way.
    while (may() && (this.#room >= most || (this.#room > 0 && this.#active.size === 0))) {
      const count = Math.min(most, this.#room)
      this.#room -= count
      const poll = this.#poll(count).then(came => {
        this.#active.delete(poll)
        this.#room += count - came
        this.#start()
      })
      this.#active.add(poll)
    }
  }

  /** How many were taken. Never rejects. */
  async #poll(count: number): Promise<number> {
    let received: readonly SqsReceived[]
    const began = performance.now()
    try {
      received = await this.#polling.receive(count, this.#abort.signal)
    } catch (error) {
      this.#wanted = 1
      if (!this.#stopped) await this.#polling.failed(error)
      return 0
    }
    this.#polling.worked()
    if (this.#stopped) {
      await this.#polling.giveBack(received)
      return 0
    }
    if (received.length === 0) {
      this.#wanted = 1
      // SQS waits before it says so; whoever answers at once would be asked thousands of times a second.
      const early = soonest - (performance.now() - began)
      if (early > 0) await pause(early, undefined, { signal: this.#abort.signal }).catch(() => {})
    } else if (received.length * 2 >= count) this.#wanted = Math.min(this.#polling.pollers, this.#wanted + 1)
    for (const one of received) {
      // Taking it may grant more: what was granted before must be read after.
      const size = this.#polling.take(one, began)
      this.#bytes -= size
    }
    return received.length
  }
}
