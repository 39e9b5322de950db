import type { Headers, Message } from '../../core/message.ts'

/** A message between two rules. Sinks see nothing of what is added here. */
export interface Mapped extends Message {
  /** What the `match` rules found in the address, by the names in their patterns. */
  readonly captures?: Headers
  /** Rows that the `lookup` rules found, by the names that the rules gave them; each is a map. */
  readonly lookup?: Headers
}

/**
 * One rule, compiled: the message as it goes on, or undefined when the rule dropped it. A promise only where it cannot be known
 * at once. Throws MessageRefused.
 */
export type Step = (message: Mapped) => Mapped | undefined | Promise<Mapped | undefined>

/** `next` of a value: at once, unless there is a promise of it only. */
export const after = <T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> =>
  value instanceof Promise ? value.then(next) : next(value)

/** The message on its way to another address. */
export const addressedTo = (message: Mapped, address: string): Mapped => ({
  ...message,
  address,
  origin: message.origin ?? message.address,
})
