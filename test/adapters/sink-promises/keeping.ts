import { setTimeout as pause } from 'node:timers/promises'
import type { Prepared } from '../../../src/core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../../src/core/errors.ts'
import { never, type Producer, type Target } from './bench.ts'

/** What became of messages that were sent until each was confirmed or refused. */
export interface Kept {
  readonly refused: ReadonlyMap<string, MessageRefused>
  /** How many links it took. */
  readonly links: number
  /** How many sends ended without a confirmation and were made again. */
  readonly again: number
}

export interface Keeping {
  readonly target: Target
  /** Who they are, and where each goes. */
  readonly messages: readonly { readonly id: string; readonly name: string }[]
  /** So many sends are unconfirmed at a time. */
  readonly window: number
  readonly signal: AbortSignal
  confirmed?(count: number): void
  /** More links than this are a failure. */
  readonly links?: number
}

/**
 * Plays the target of a route: sends in this order, keeps `window` in flight, opens again when the link is gone and sends
 * there what was neither confirmed nor refused. What is prepared is prepared once. Throws what a sink may not throw.
 */
export async function keep(keeping: Keeping): Promise<Kept> {
  const run = new Run(keeping)
  let cause: unknown
  while (run.left.size > 0) {
    if (keeping.signal.aborted)
      throw new Error(`${run.left.size} are left after ${run.links} links`, { cause })
    if (run.links >= (keeping.links ?? Number.POSITIVE_INFINITY)) {
      throw new Error(
        `after ${run.links} links, neither confirmed nor refused: ${[...run.left.keys()].join(', ')}`,
      )
    }
    const producer = await keeping.target.open(keeping.signal).catch((error: unknown) => {
      cause = error
    })
    if (producer) await run.life(producer)
    else await pause(20)
  }
  return run
}

class Run implements Kept {
  readonly left: Map<string, string>
  readonly refused = new Map<string, MessageRefused>()
  links = 0
  again = 0
  #confirmed = 0
  /** Nothing more is sent on this link. */
  #over = false
  readonly #keeping: Keeping
  readonly #prepared = new Map<string, Prepared>()

  constructor(keeping: Keeping) {
    this.#keeping = keeping
    this.left = new Map(keeping.messages.map(({ id, name }) => [id, name]))
  }

  /** One link, from opening to its death or until nothing is left. */
  async life(producer: Producer): Promise<void> {
    this.links++
    const { sink } = producer
    this.#over = false
    void sink.closed.then(() => {
      this.#over = true
    })
    const flying = new Set<Promise<void>>()
    try {
      for (const [id, name] of [...this.left]) {
        while (flying.size >= this.#keeping.window) await Promise.race(flying)
        if (this.#over) break
        const flight = this.#send(producer, id, name).finally(() => flying.delete(flight))
        flying.add(flight)
      }
      await Promise.all(flying)
    } finally {
      await sink.close()
    }
  }

  async #send({ sink, target }: Producer, id: string, name: string): Promise<void> {
    const prepared = this.#prepared.get(id) ?? target.prepare(sink.limits, target.message(name, id))
    this.#prepared.set(id, prepared)
    try {
      await sink.send(prepared, never)
    } catch (error) {
      if (error instanceof MessageRefused) {
        this.refused.set(id, error)
        this.left.delete(id)
        return
      }
      if (!(error instanceof LinkLost || error instanceof SinkUnavailable)) throw error
      this.again++
      // One after the other means that none passes the one that failed.
      if (this.#keeping.window === 1 || error instanceof LinkLost) this.#over = true
      return
    }
    this.left.delete(id)
    this.#keeping.confirmed?.(++this.#confirmed)
  }
}
