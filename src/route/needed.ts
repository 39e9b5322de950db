import type { DeadLetters } from './dead-letter/dead-letters.ts'
import type { Flood } from './flood.ts'
import type { Target } from './target.ts'

/** Resolves once it is there, or when the signal is aborted. */
export type Needed = (signal: AbortSignal) => Promise<void>

/**
 * What deliveries wait for at the moment of asking: every target, a place for dead letters where one was missing, and leave
 * to go on where the route is paused. A group that is held waits for nothing that could come: it is held anew.
 */
export const neededBy =
  (targets: ReadonlyMap<string, Target>, deadLetters: DeadLetters, flood: Flood | undefined) =>
  (): Needed => {
    const isPlaceMissing = deadLetters.waiting > 0
    return async signal => {
      const needed = Array.from(targets.values(), target => target.answers(signal))
      if (isPlaceMissing) needed.push(deadLetters.answers(signal))
      if (flood) needed.push(flood.over(signal))
      await Promise.all(needed)
    }
  }
