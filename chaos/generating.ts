import { setTimeout as pause } from 'node:timers/promises'
import { sentence } from '../src/core/errors.ts'
import type { End } from './ends/end.ts'
import type { Ledger, Numbered } from './ledger.ts'

/** Sends numbered messages at a steady rate, group after group, until it is stopped. */
export class Generating {
  readonly #stopped = new AbortController()
  readonly #done: Promise<void>
  /** Batches that failed: their messages may be stored or not, and are in no account. */
  readonly failures: string[] = []

  constructor(end: End, ledger: Ledger, rate: number, groups: number) {
    this.#done = this.#run(end, ledger, rate, groups)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#done
  }

  /** What could not be sent in time, since the broker was away, is sent at most twice as fast afterwards. */
  async #run(end: End, ledger: Ledger, rate: number, groups: number): Promise<void> {
    const every = 100
    const places = new Map<string, number>()
    let number = 0
    let due = performance.now()
    while (!this.#stopped.signal.aborted) {
      due = Math.max(due + every, performance.now() - 10_000)
      await pause(Math.max(every / 2, due - performance.now()))
      const batch = Array.from({ length: Math.ceil((rate * every) / 1000) }, (): Numbered => {
        const group = `g${number % groups}`
        const place = places.get(group) ?? 0
        places.set(group, place + 1)
        return { number: number++, group, place }
      })
      try {
        await end.send('', batch)
        for (const one of batch) ledger.confirm(one.number)
      } catch (error) {
        this.failures.push(sentence(error))
        await pause(300)
      }
    }
  }
}
