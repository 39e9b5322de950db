import type { Limits, Prepared, Sink } from '../../core/adapter.ts'

/**
 * One sink over several alike, each with a connection of its own, for brokers that take the messages of one connection one after
 * the other. A message goes by the one with the fewest that are not confirmed, so there is no order but that of sends that wait for each other.
 * It is gone as soon as one of them is. Throws what the first that does not open throws.
 */
export async function openSpread<P extends Prepared>(
  count: number,
  open: (n: number) => Promise<Sink<P>>,
): Promise<Sink<P>> {
  const opening = await Promise.allSettled(Array.from({ length: count }, (_, n) => open(n)))
  const sinks = opening.filter(o => o.status === 'fulfilled').map(o => o.value)
  const failed = opening.find(o => o.status === 'rejected')
  if (!failed) return new SpreadSink(sinks)
  await Promise.all(sinks.map(sink => sink.close()))
  throw failed.reason
}

class SpreadSink<P extends Prepared> implements Sink<P> {
  readonly closed: Promise<Error | undefined>
  readonly limits: Limits
  readonly #sinks: readonly Sink<P>[]
  readonly #unconfirmed: number[]
  /** What is sent again goes the same way: a copy that was stuck there must not come after what was sent behind it. */
  readonly #ways = new WeakMap<P, number>()

  constructor(sinks: readonly Sink<P>[]) {
    this.#sinks = sinks
    this.#unconfirmed = sinks.map(() => 0)
    this.limits = sinks[0]!.limits
    this.closed = Promise.race(sinks.map(sink => sink.closed))
    void this.closed.then(() => this.close())
  }

  async send(prepared: P, signal: AbortSignal): Promise<object> {
    const n = this.#ways.get(prepared) ?? this.#unconfirmed.indexOf(Math.min(...this.#unconfirmed))
    this.#ways.set(prepared, n)
    this.#unconfirmed[n]!++
    try {
      return await this.#sinks[n]!.send(prepared, signal)
    } finally {
      this.#unconfirmed[n]!--
    }
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#sinks[0]!.check(signal)
  }

  async close(): Promise<void> {
    await Promise.all(this.#sinks.map(sink => sink.close()))
  }
}
