import { setTimeout as pause } from 'node:timers/promises'
import { LinkLost, SinkUnavailable, sentence } from '../../core/errors.ts'
import { Batcher, type Batching } from '../shared/aws/batcher.ts'
import type { EntryResult } from '../shared/aws/calls.ts'
import type { Judge } from '../shared/aws/verdict.ts'
import type { Held, Visibility } from './visibility.ts'

interface Deletion {
  readonly handle: string
  readonly size: number
}

const never = new AbortController().signal
/** Milliseconds; doubles up to the second, each with full jitter. */
const [firstDelay, longestDelay] = [200, 5_000]

/** Deletes what was settled, in batches, for as long as it is ours: what is not deleted would come again. */
export class Deletions {
  readonly #batcher: Batcher<Deletion>
  readonly #visibility: Visibility
  readonly #underWay = new Set<Promise<void>>()
  readonly #ending = new AbortController()

  constructor(
    call: (handles: readonly string[]) => Promise<readonly EntryResult[]>,
    judge: Judge,
    visibility: Visibility,
  ) {
    const batching: Batching<Deletion> = {
      call: batch => call(batch.map(d => d.handle)),
      judge,
      maxBytes: Number.POSITIVE_INFINITY,
      concurrency: 64,
      perGroup: 'many',
    }
    this.#batcher = new Batcher(batching)
    this.#visibility = visibility
  }

  /** Resolves once SQS has deleted it. Throws LinkLost when it is no longer ours. */
  delete(held: Held): Promise<void> {
    const deleted = this.#delete(held)
    const ended: Promise<void> = deleted
      .catch(() => {})
      .then(() => {
        this.#underWay.delete(ended)
      })
    this.#underWay.add(ended)
    return deleted
  }

  /** Resolves once none is under way. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async close(): Promise<void> {
    this.#ending.abort(new LinkLost('the source is closed'))
    await this.#batcher.close(0)
  }

  async #delete(held: Held): Promise<void> {
    const { signal } = held.lost
    held.settling = true
    for (let delay = firstDelay; ; delay = Math.min(longestDelay, delay * 2)) {
      if (signal.aborted) throw signal.reason
      try {
        await this.#batcher.send({ handle: held.handle, size: 0 }, never)
        this.#visibility.release(held)
        return
      } catch (error) {
        if (!(error instanceof SinkUnavailable)) {
          this.#visibility.lose(held, `it cannot be deleted and comes again: ${sentence(error)}`)
          throw signal.reason
        }
      }
      const either = AbortSignal.any([signal, this.#ending.signal])
      await pause(delay * Math.random(), undefined, { signal: either }).catch(() => {})
    }
  }
}
