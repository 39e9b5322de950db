import { MessageRefused } from '../core/errors.ts'
import { Attempts, type Tally } from './attempts.ts'
import { aborted } from './backoff.ts'
import type { Received } from './buffer.ts'
import { diedOfIt, isGuilty, isTest, lifeBefore, slowest } from './suspects.ts'

/** The deliveries that were taken and not finished, as far as the link of the source can die of one: see suspects.ts. */
export class Taken {
  readonly #attempts: Attempts
  readonly #maxAttempts: number
  /** Since when each is worked on. */
  readonly #since = new Map<Received, number>()
  /** The one that is tested, and the end of its test. */
  #tested: Received | undefined
  #end = Promise.withResolvers<void>()
  readonly #guilty = new WeakSet<Received>()

  constructor(connectionName: string, maxAttempts: number) {
    this.#attempts = new Attempts(connectionName)
    this.#maxAttempts = maxAttempts
  }

  /**
   * To be asked before one is taken. Says, if anything is to be said, why it is a dead letter and must not be touched; waits
   * where it has to be tested and its time has not come. A signal ends the waiting.
   */
  admit(
    received: Received,
    ...signals: readonly AbortSignal[]
  ): undefined | Promise<MessageRefused | undefined> {
    const tally = this.#attempts.of(received.delivery)
    return tally && this.#admit(received, tally, [received.delivery.lost, ...signals])
  }

  async #admit(received: Received, tally: Tally, signals: readonly AbortSignal[]) {
    if (!isTest(tally)) return undefined
    await lifeBefore(tally, received.credit.age, signals)
    if (received.delivery.lost.aborted) {
      // The next try is no test: a link that never lives for so long must not keep it from ever being tried.
      this.#attempts.died(received.delivery, received.credit, tally.took, false)
      return undefined
    }
    if (isGuilty(tally.deaths, tally.own, this.#maxAttempts)) {
      this.#guilty.add(received)
      return killer(tally.deaths)
    }
    while (this.#tested && !signals.some(s => s.aborted))
      await Promise.race([this.#end.promise, aborted(...signals)])
    if (!this.#tested) this.#test(received)
    return undefined
  }

  /** It may be held for long, or wait for its target: what it does to the link is known sooner. */
  #test(received: Received): void {
    this.#tested = received
    setTimeout(() => this.#endTest(received), slowest).unref()
  }

  begin(received: Received): void {
    this.#since.set(received, performance.now())
  }

  end(received: Received, isSettled: boolean): void {
    const began = this.#since.get(received)
    this.#since.delete(received)
    const { delivery, credit } = received
    const isTested = this.#tested === received
    // What a link dies of although nothing was done with it but to store it elsewhere is not its content.
    if (isSettled || this.#guilty.has(received)) this.#attempts.forget(delivery)
    else if (began !== undefined && credit.diedAt !== undefined && credit.diedAt >= began) {
      const took = credit.diedAt - began
      const age = began - credit.openedAt
      this.#attempts.died(delivery, credit, took, isTested && diedOfIt({ took, age }))
    }
    this.#endTest(received)
  }

  #endTest(received: Received): void {
    if (this.#tested !== received) return
    this.#tested = undefined
    this.#end.resolve()
    this.#end = Promise.withResolvers()
  }
}

const killer = (times: number) =>
  new MessageRefused(
    `the connection to the source was lost ${times} times soon after this message had come, and lived without it`,
  )
