import type { Tally } from './attempts.ts'
import { pause } from './backoff.ts'

/**
 * Which messages kill a link, as a message can that its broker or a library cannot bear, and which were only there when it died.
 *
 * A message that was on its way when a link died goes on as before; so an outage costs nothing. From the second death in a
 * row on it is *suspect*, and every other try of it is a test: no other suspect is tried meanwhile, and the link has first
 * lived for ten times as long as it took to die the last time. It is guilty when the link died in so short a time in
 * three tests. A link that comes and goes by itself dies in few of them, and one that does not live without the message,
 * as in an outage, in none. Where it took longer than `slowest`, there is no test: a link that is cut at regular times (a
 * proxy that thinks it idle) would fail those of messages that are only there for long.
 */
const isSuspect = ({ deaths }: Tally): boolean => deaths >= 2

const enough = 3

/** A link lives for so many times longer without the message. */
const longer = 10
/** A message that takes longer (ms) to kill its link is not found. */
export const slowest = 1_000

/** Is its next try a test? */
export const isTest = (tally: Tally): boolean =>
  isSuspect(tally) && tally.deaths % 2 === 0 && tally.took <= slowest

/** Did the link die by this message? `age` is how long the link had lived when the try began, `took` how long the try went on. */
export const diedOfIt = ({ age, took }: { readonly age: number; readonly took: number }): boolean =>
  took <= slowest && age >= longer * took

export const isGuilty = (deaths: number, own: number, maxAttempts: number): boolean =>
  own >= enough && deaths >= maxAttempts

/** Waits until a link that is so old has lived for long enough before a test; for twice as long, as the next time it may take longer to die. */
export const lifeBefore = ({ took }: Tally, age: number, signals: readonly AbortSignal[]): Promise<void> =>
  pause(Math.max(0, longer * Math.min(2 * took, slowest) - age), ...signals)

export interface TestedLink {
  /** Milliseconds that it has lived. */
  readonly age: number
  up(...signals: readonly AbortSignal[]): Promise<void>
}

/** Lets suspects to their tests, one at a time. */
export class Suspects {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `task` when it is its turn and the link has lived for long enough; a signal ends the waiting. */
  async test<T>(
    tally: Tally,
    link: TestedLink,
    signals: readonly AbortSignal[],
    task: () => Promise<T>,
  ): Promise<T> {
    const before = this.#last
    const turn = Promise.withResolvers<void>()
    this.#last = turn.promise
    await before
    try {
      await link.up(...signals)
      await lifeBefore(tally, link.age, signals)
      return await task()
    } finally {
      turn.resolve()
    }
  }
}
