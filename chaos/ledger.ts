import { setTimeout as pause } from 'node:timers/promises'

/** A message of the generator: its number, and its place in its group. */
export interface Numbered {
  readonly number: number
  readonly group: string
  readonly place: number
}

/** `17 g3 5` and what makes it as long as an ordinary message. */
export const bodyOf = ({ number, group, place }: Numbered): string =>
  `${number} ${group} ${place} ${'.'.repeat(200)}`

/** Undefined for what is none of the generator's messages. */
export function readBody(body: string): Numbered | undefined {
  const [, number, group = '', place] = /^(\d+) (\S+) (\d+) /.exec(body) ?? []
  return number === undefined ? undefined : { number: Number(number), group, place: Number(place) }
}

/** What became of all that was sent. */
export interface Account {
  readonly sent: number
  readonly arrived: number
  readonly lost: number
  readonly duplicates: number
  readonly outOfOrder: number
}

/**
 * Accounts for each number. `sent` are those that their broker confirmed to the generator: of others nobody knows
 * whether the broker has them, and they may arrive or not. Order is that of first arrivals within a group.
 */
export class Ledger {
  readonly #confirmed = new Set<number>()
  /** Of what was confirmed. */
  readonly #missing = new Set<number>()
  readonly #arrived = new Set<number>()
  readonly #lastOfGroup = new Map<string, number>()
  readonly #waiting = new Set<() => void>()
  readonly unordered: string[] = []
  /** Bodies that nobody sent. */
  readonly strange: string[] = []
  #duplicates = 0

  confirm(number: number): void {
    this.#confirmed.add(number)
    if (!this.#arrived.has(number)) this.#missing.add(number)
  }

  arrive(body: string): void {
    const read = readBody(body)
    if (!read) {
      this.strange.push(body.slice(0, 80))
      return
    }
    const { number, group, place } = read
    if (this.#arrived.has(number)) {
      this.#duplicates++
      return
    }
    this.#arrived.add(number)
    this.#missing.delete(number)
    const last = this.#lastOfGroup.get(group) ?? -1
    if (place < last) this.unordered.push(`${group}: ${place} after ${last}`)
    this.#lastOfGroup.set(group, Math.max(place, last))
    for (const look of this.#waiting) look()
  }

  /** Resolves at the next arrival of a message that had not arrived before. */
  nextNew(): Promise<void> {
    const before = this.#arrived.size
    return this.#until(() => this.#arrived.size > before)
  }

  /** Resolves when all that is confirmed now has arrived. */
  caughtUp(): Promise<void> {
    const owed = [...this.#missing]
    return this.#until(() => {
      while (owed.length > 0 && !this.#missing.has(owed.at(-1)!)) owed.pop()
      return owed.length === 0
    })
  }

  /**
   * True once what was waited for has come; false when nothing new has arrived for so many milliseconds before, or after `most`:
   * while more is sent, something always arrives, also where what is waited for is lost.
   */
  async progressing(
    wait: () => Promise<unknown>,
    milliseconds: number,
    most = 2 ** 31 - 1,
  ): Promise<boolean> {
    const done = wait().then(() => true)
    const end = performance.now() + most
    for (;;) {
      if (performance.now() > end) return false
      const late = new AbortController()
      const limit = pause(milliseconds, false, { signal: late.signal }).catch(() => false)
      const more = this.nextNew().then(() => undefined)
      const outcome = await Promise.race([done, limit, more])
      late.abort()
      if (outcome !== undefined) return outcome
    }
  }

  get missing(): readonly number[] {
    return [...this.#missing]
  }

  get waiting(): number {
    return this.#missing.size
  }

  account(): Account {
    return {
      sent: this.#confirmed.size,
      arrived: this.#arrived.size,
      lost: this.#missing.size,
      duplicates: this.#duplicates,
      outOfOrder: this.unordered.length,
    }
  }

  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = () => {
      if (!holds()) return
      this.#waiting.delete(look)
      resolve()
    }
    this.#waiting.add(look)
    return promise
  }
}
