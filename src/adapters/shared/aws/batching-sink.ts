import type { Limits, Sink } from '../../../core/adapter.ts'
import { type Batchable, Batcher, type Batching } from './batcher.ts'
import type { ClaimStore } from './claim-check-store.ts'

/** Calls in flight get so many milliseconds to end when the sink is closed. */
const closeLimit = 5_000

export interface BatchingSinkParts<P extends Batchable> {
  readonly limits: Limits
  readonly batching: Batching<P>
  check(signal: AbortSignal): Promise<void>
  readonly claims?: ClaimStore | undefined
  /** Gives the connection back; never rejects. */
  release(): Promise<void>
}

/** A sink over HTTP: there is no link that could die, so `closed` resolves when `close()` is done and not before. */
export class BatchingSink<P extends Batchable> implements Sink<P> {
  readonly limits: Limits
  readonly closed: Promise<undefined>
  readonly #parts: BatchingSinkParts<P>
  readonly #batcher: Batcher<P>
  readonly #resolveClosed: () => void
  #closing: Promise<void> | undefined

  constructor(parts: BatchingSinkParts<P>) {
    this.#parts = parts
    this.limits = parts.limits
    this.#batcher = new Batcher(parts.batching)
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.closed = promise
    this.#resolveClosed = () => resolve(undefined)
  }

  send(prepared: P, signal: AbortSignal): Promise<object> {
    const { claims } = this.#parts
    if (!claims) return this.#batcher.send(prepared, signal)
    return claims.send(prepared, signal, () => this.#batcher.send(prepared, signal))
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#parts.check(signal)
    await this.#parts.claims?.check(signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#batcher
      .close(closeLimit)
      .then(() => this.#parts.release())
      .then(this.#resolveClosed)
    return this.#closing
  }
}
