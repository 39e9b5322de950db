import CircuitBreaker from 'opossum'
import type { BreakerState } from '../core/events.ts'
import { aborted } from './backoff.ts'

/** Written `breaker: { failure_rate, minimum_calls, window, open_for }`; milliseconds. */
export interface BreakerOptions {
  /** Share of failed calls in the window that opens it, above 0 and at most 1. */
  readonly failureRate: number
  /** It does not open before so many calls in the window. */
  readonly minimumCalls: number
  readonly window: number
  /** So long it stays open before one probe is let through. */
  readonly openFor: number
}

/** Leave to send one message. Its holder owes exactly one of `succeeded`, `failed` and `withdrawn`. */
export interface Permit {
  readonly generation: number
  readonly probe: boolean
}

/**
 * The circuit breaker of one target. It counts calls to the broker, not messages: the object a sink's `send` resolves
 * with and the error it rejects with stand for the call, and each is counted once.
 *
 * States: *closed*, everybody is admitted; *open*, everybody waits; *half open*, one message is admitted as the probe
 * while the others wait. Calls of the closed state lead to *open* by their failure rate; `openFor` leads to *half open*;
 * the probe's verdict leads to *closed* or back to *open*. A probe without a verdict (its message was refused or lost)
 * makes room for the next one. Results of an older generation than the last change of state count for nothing: a late
 * success from before an outage must not close a breaker, as it would in the library.
 *
 * The library (opossum) keeps the window and the state. It is told results and runs nothing, because its own timeout
 * leaves calls running, its `capacity` counts as failures and its `errorFilter` closes a half-open breaker.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[Error | undefined], void>
  readonly #counted = new WeakSet<object>()
  #generation = 0
  #probing = false
  /** In the order in which they came. */
  readonly #waiters = new Set<() => void>()
  #reason: Error | undefined

  constructor(options: BreakerOptions, report: (state: BreakerState, reason: Error | undefined) => void) {
    const record = async (result: Error | undefined) => {
      if (result) throw result
    }
    this.#circuit = new CircuitBreaker(record, {
      timeout: false,
      // The library opens above the threshold, we at it.
      errorThresholdPercentage: options.failureRate * 100 - 1e-6,
      volumeThreshold: options.minimumCalls,
      rollingCountTimeout: options.window,
      rollingCountBuckets: 10,
      resetTimeout: options.openFor,
      rollingPercentilesEnabled: false,
    })
    const changed = () => {
      this.#generation++
      this.#probing = false
      report(this.state, this.state === 'open' ? this.#reason : undefined)
    }
    this.#circuit.on('open', changed)
    this.#circuit.on('halfOpen', () => {
      changed()
      this.#wakeNext()
    })
    this.#circuit.on('close', () => {
      changed()
      const all = [...this.#waiters]
      this.#waiters.clear()
      for (const wake of all) wake()
    })
  }

  get state(): BreakerState {
    return this.#circuit.halfOpen ? 'half_open' : this.#circuit.opened ? 'open' : 'closed'
  }

  /** A permit at once or as soon as the state allows; undefined when a signal was aborted first. */
  async admit(...signals: readonly AbortSignal[]): Promise<Permit | undefined> {
    for (;;) {
      const permit = this.tryAdmit()
      if (permit) return permit
      if (signals.some(s => s.aborted)) return undefined
      await this.#woken(signals)
    }
  }

  /** A permit if one can be had without waiting. */
  tryAdmit(): Permit | undefined {
    const { state } = this
    if (state === 'open' || (state === 'half_open' && this.#probing)) return undefined
    const probe = state === 'half_open'
    this.#probing = probe
    return { generation: this.#generation, probe }
  }

  succeeded(permit: Permit, call: object): void {
    this.#record(permit, call, undefined)
  }

  failed(permit: Permit, error: Error): void {
    this.#reason = error
    this.#record(permit, error, error)
  }

  /** The send says nothing about the target: the message was refused, or is not ours any more. */
  withdrawn(permit: Permit): void {
    if (permit.probe && permit.generation === this.#generation) {
      this.#probing = false
      this.#wakeNext()
    }
  }

  /** Stops its timers. */
  shutdown(): void {
    this.#circuit.shutdown()
  }

  #record(permit: Permit, call: object, result: Error | undefined): void {
    if (permit.generation !== this.#generation || this.#counted.has(call)) return
    this.#counted.add(call)
    this.#circuit.fire(result).catch(() => {})
  }

  /** Waits for its turn among the waiters, or for a signal; a turn that a leaver was given goes to the next. */
  async #woken(signals: readonly AbortSignal[]): Promise<void> {
    const turn = new AbortController()
    const wake = () => turn.abort()
    this.#waiters.add(wake)
    await aborted(turn.signal, ...signals)
    if (!turn.signal.aborted) this.#waiters.delete(wake)
    else if (signals.some(s => s.aborted)) this.#wakeNext()
  }

  #wakeNext(): void {
    const [next] = this.#waiters
    if (!next) return
    this.#waiters.delete(next)
    next()
  }
}
