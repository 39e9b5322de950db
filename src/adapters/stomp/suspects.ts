import type { StompPrepared } from './encode.ts'

/** Links that may end silently under a message before it is suspected, and those that may while it is alone. */
const patience = 3
const alone = 5

/**
 * Messages that were unconfirmed when a link ended and nobody knows on whose account. A suspect is sent with no other
 * unconfirmed beside it, so that the next time it is known. An ERROR makes suspects at once, an end without a word only
 * when it happens again and again: as a rule that is the network.
 */
const strikes = new WeakMap<StompPrepared, number>()

export const isSuspect = (message: StompPrepared): boolean => (strikes.get(message) ?? 0) >= patience

export const suspect = (message: StompPrepared): unknown =>
  strikes.set(message, Math.max(strikes.get(message) ?? 0, patience))

/** True when the link has ended under this message, and no other, too often for chance. */
export function endedUnder(message: StompPrepared, wasAlone: boolean): boolean {
  const count = (strikes.get(message) ?? 0) + 1
  strikes.set(message, count)
  return wasAlone && count >= alone
}

export const acquit = (message: StompPrepared): unknown => strikes.delete(message)
