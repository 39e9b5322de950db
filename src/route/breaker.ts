import CircuitBreaker from 'opossum'
import type { BreakerState } from '../core/events.ts'
import { Turns } from './turns.ts'

/** Written `breaker: { failure_rate, minimum_calls, window, open_for }`; milliseconds. */
export interface BreakerOptions {
  /** Share of failed calls in the window that opens it, above 0 and at most 1. */
  readonly failureRate: number
  /** It does not open before so many calls in the window. */
  readonly minimumCalls: number
  readonly window: number
  /** So long it stays open at least before one probe is let through, and up to half of it longer. */
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
 * makes room for the next one. Where no message waits to be the probe, a look at the target is (`checked`), which sends
 * nothing and so may be wrong: the first failure after it opens the breaker again. Results of an older generation than
 * the last change of state count for nothing: a late success from before an outage must not close a breaker, as it would
 * in the library. Each opening has a length of its own, so that many routes do not come back in step.
 *
 * The library (opossum) keeps the window and the state. It is told results and runs nothing, because its own timeout
 * leaves calls running, its `capacity` counts as failures and its `errorFilter` closes a half-open breaker.
 */
export class Breaker {
  readonly #circuit: CircuitBreaker<[Error | undefined], void>
  readonly #counted = new WeakSet<object>()
  #generation = 0
  #probing = false
  readonly #turns = new Turns()
  readonly #unclaimed: () => void
  #reason: Error | undefined
  /** Closed on the word of a look at the target, and nothing was sent since. */
  #unproven = false

  /** `unclaimed` is called when it is half open and nobody waits to be the probe. */
  constructor(
    options: BreakerOptions,
    report: (state: BreakerState, reason: Error | undefined) => void,
    unclaimed: () => void = () => {},
  ) {
    this.#unclaimed = unclaimed
    const openFor = () => options.openFor * (1 + Math.random() / 2)
    const record = async (result: Error | undefined) => {
      if (result) throw result
    }
    // The library keeps this object, and reads how long to stay open each time it opens (opossum 10).
    const circuitOptions = {
      timeout: false as const,
      // The library opens above the threshold, we at it.
      errorThresholdPercentage: options.failureRate * 100 - 1e-6,
      volumeThreshold: options.minimumCalls,
      rollingCountTimeout: options.window,
      rollingCountBuckets: 10,
      resetTimeout: openFor(),
      rollingPercentilesEnabled: false,
    }
    this.#circuit = new CircuitBreaker(record, circuitOptions)
    const changed = () => {
      this.#generation++
      this.#probing = false
      this.#unproven = false
      report(this.state, this.state === 'open' ? this.#reason : undefined)
    }
    this.#circuit.on('open', changed)
    this.#circuit.on('halfOpen', () => {
      circuitOptions.resetTimeout = openFor()
      changed()
      this.#wakeNext()
    })
    this.#circuit.on('close', () => {
      changed()
      this.#turns.all()
    })
  }

  get state(): BreakerState {
    return this.#circuit.halfOpen ? 'half_open' : this.#circuit.opened ? 'open' : 'closed'
  }

  /** Why it is not closed. */
  get reason(): Error | undefined {
    return this.state === 'closed' ? undefined : this.#reason
  }

  /** A permit at once or as soon as the state allows; undefined when a signal was aborted first. */
  async admit(...signals: readonly AbortSignal[]): Promise<Permit | undefined> {
    for (;;) {
      const permit = this.tryAdmit()
      if (permit) return permit
      if (signals.some(s => s.aborted)) return undefined
      if ((await this.#turns.wait(signals)) && signals.some(s => s.aborted)) this.#wakeNext()
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
    if (permit.generation === this.#generation) this.#reason = error
    this.#record(permit, error, error)
  }

  /** A look at the target, which sends nothing, had this permit: its word counts where it is the probe, and only there. */
  checked(permit: Permit, error: Error | undefined): void {
    if (!permit.probe || permit.generation !== this.#generation) return
    if (error) this.failed(permit, error)
    else {
      this.#circuit.once('close', () => {
        this.#unproven = true
      })
      this.succeeded(permit, {})
    }
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

  /** A probe is alone in its generation: a sink that rejects with the error of an earlier call is not to leave it without a verdict. */
  #record(permit: Permit, call: object, result: Error | undefined): void {
    if (permit.generation !== this.#generation || (!permit.probe && this.#counted.has(call))) return
    this.#counted.add(call)
    if (this.#unproven && result) this.#circuit.open()
    else {
      this.#unproven = false
      this.#circuit.fire(result).catch(() => {})
    }
  }

  /** Wakes the one that has waited longest; should it be gone, its turn goes to the next. */
  #wakeNext(): void {
    if (!this.#turns.next() && this.state === 'half_open') this.#unclaimed()
  }
}
