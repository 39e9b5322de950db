import { LinkLost, MessageRefused } from '../../core/errors.ts'
import type { EntryFailure, EntryResult } from '../shared/aws/calls.ts'
import type { Judge } from '../shared/aws/verdict.ts'

/** SQS hands a message out again at the latest so long after its receipt (ChangeMessageVisibility, API reference). */
const longest = 12 * 60 * 60 * 1_000
const batchSize = 10

/** A message that we have received and that nobody else is handed until `deadline`. Times are of `performance.now()`. */
export interface Held {
  readonly handle: string
  /** Of a FIFO queue. */
  readonly group: string | undefined
  readonly receivedAt: number
  readonly lost: AbortController
  deadline: number
  /** Its deletion is under way: what that says is the truth. */
  settling: boolean
}

export type Change = (handles: readonly string[], seconds: number) => Promise<readonly EntryResult[]>

/**
 * Keeps what was received invisible to others: from half of the queue's timeout on it is extended by the whole of it,
 * ten at a time, until it is released. What could not be extended in time, or SQS says is no longer ours, is lost.
 */
export class Visibility {
  readonly #timeout: number
  readonly #change: Change
  readonly #judge: Judge
  readonly #held = new Set<Held>()
  readonly #extending = new Set<Held>()
  readonly #extensions = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout

  /** `seconds` is the queue's visibility timeout. */
  constructor(seconds: number, change: Change, judge: Judge) {
    this.#timeout = seconds * 1_000
    this.#change = change
    this.#judge = judge
    this.#timer = setInterval(() => this.#look(), Math.min(1_000, this.#timeout / 10))
  }

  /** From its receipt on, as SQS counts. */
  hold(handle: string, group?: string, receivedAt = performance.now()): Held {
    const deadline = receivedAt + this.#timeout
    const held = { handle, group, receivedAt, deadline, lost: new AbortController(), settling: false }
    this.#held.add(held)
    return held
  }

  release(held: Held): void {
    this.#held.delete(held)
  }

  /**
   * Those of its group that came after it are lost as well, since they must not be sent before it; what is being deleted
   * has been.
   */
  lose(held: Held, why: string): void {
    let isBehind = false
    for (const other of held.group === undefined ? [] : this.#held) {
      if (isBehind && other.group === held.group && !other.settling) {
        this.#held.delete(other)
        other.lost.abort(new LinkLost(`one before it in its group is lost: ${why}`))
      }
      if (other === held) isBehind = true
    }
    this.#held.delete(held)
    held.lost.abort(new LinkLost(why))
  }

  /** Loses everything and returns it; nothing is extended from now on. */
  loseAll(why: string): readonly Held[] {
    clearInterval(this.#timer)
    const all = [...this.#held]
    this.#held.clear()
    for (const held of all) this.lose(held, why)
    return all
  }

  /** Resolves once no extension is in flight. */
  async ended(): Promise<void> {
    await Promise.all(this.#extensions)
  }

  #look(): void {
    const now = performance.now()
    const due = new Map<number, Held[]>()
    for (const held of this.#held) {
      if (held.deadline <= now) {
        this.lose(held, 'its visibility timeout ended before it could be extended: SQS hands it out again')
      } else if (held.deadline - now <= this.#timeout / 2 && !this.#extending.has(held)) {
        const rest = Math.floor((held.receivedAt + longest - now) / 1_000)
        const seconds = Math.min(this.#timeout / 1_000, rest)
        // No longer than it has anyway.
        if (now + seconds * 1_000 <= held.deadline) continue
        const same = due.get(seconds)
        if (same) same.push(held)
        else due.set(seconds, [held])
      }
    }
    for (const [seconds, all] of due) {
      for (let i = 0; i < all.length; i += batchSize) {
        const extension = this.#extend(all.slice(i, i + batchSize), seconds)
        this.#extensions.add(extension)
        void extension.then(() => this.#extensions.delete(extension))
      }
    }
  }

  /** Never rejects: what failed is tried again when it is looked at next. */
  async #extend(batch: readonly Held[], seconds: number): Promise<void> {
    for (const held of batch) this.#extending.add(held)
    const began = performance.now()
    const handles = batch.map(h => h.handle)
    const results = await this.#change(handles, seconds).catch(() => [])
    for (const [i, held] of batch.entries()) {
      this.#extending.delete(held)
      const result = results[i]
      if (result === 'taken') held.deadline = began + seconds * 1_000
      else if (result && this.#isNotOurs(result) && this.#held.has(held) && !held.settling) {
        this.lose(held, `SQS says that it is no longer ours: ${result.code}: ${result.message}`)
      }
    }
  }

  /** Throttling can come as the sender's fault as well, and says nothing of the message. */
  #isNotOurs(failure: EntryFailure): boolean {
    return this.#judge.entry(failure) instanceof MessageRefused
  }
}
