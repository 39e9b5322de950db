import { MessageRefused } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import { onAbort } from '../core/on-abort.ts'

/** Written `expired:`; what becomes of a message whose time was over before it could be sent. */
export type ExpiredChoice = 'drop' | 'dead_letter'

/** A message whose time is over. */
export class Expired extends MessageRefused {}

/** By the clock of this machine, as everybody reads `expiresAt`. */
export const isExpired = ({ properties: { expiresAt } }: Message): boolean =>
  expiresAt !== undefined && expiresAt <= Date.now()

/** The time that a message has left; `end` is owed. */
export interface Deadline {
  /** Aborted when the time is over, or the delivery is lost. */
  readonly signal: AbortSignal
  readonly isOver: boolean
  end(): void
}

/** Between looks at the clock (ms). A timer for each message would cost more than sending it. */
const tick = 100

/**
 * The time that is left to the messages on their way, all watched by one timer, which runs only while there are any. A deadline
 * is noticed within a tenth of a second; a step of the clock counts as time.
 */
export class Deadlines {
  /** By the tick in which they are over. */
  readonly #waiting = new Map<number, Set<() => void>>()
  #timer: NodeJS.Timeout | undefined

  until(expiresAt: number, lost: AbortSignal): Deadline {
    const ends = new AbortController()
    const deadline = { signal: ends.signal, isOver: false, end: () => {} }
    const at = Math.ceil(expiresAt / tick)
    const over = () => {
      deadline.isOver = true
      ends.abort()
    }
    const forget = lost.aborted ? ends.abort() : onAbort(lost, () => ends.abort())
    const others = this.#waiting.get(at) ?? new Set()
    this.#waiting.set(at, others.add(over))
    this.#timer ??= setInterval(() => this.#look(), tick).unref()
    deadline.end = () => {
      forget?.()
      if (others.delete(over) && others.size === 0) this.#forget(at)
    }
    return deadline
  }

  #look(): void {
    const now = Math.floor(Date.now() / tick)
    for (const [at, all] of [...this.#waiting]) {
      if (at > now) continue
      this.#forget(at)
      for (const over of all) over()
    }
  }

  #forget(at: number): void {
    this.#waiting.delete(at)
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
