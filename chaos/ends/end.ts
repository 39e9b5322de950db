import type { TcpAddress } from '../../test/adapters/fixture.ts'
import type { Numbered } from '../ledger.ts'

type Keys = Readonly<Record<string, unknown>>

/** One side of the bridge: how Sluice is configured for it, and clients of the side's own that do not share a line with Sluice. */
export interface End {
  /** `RabbitMQ 4.0.5 (AMQP 0-9-1)`. */
  readonly title: string
  /** Where it listens; the harness puts its proxy in front, for Sluice only. */
  readonly address: TcpAddress
  connection(via: TcpAddress): Keys
  /** The keys of `from` and of a target. */
  from(place: string, isOrdered: boolean): Keys
  to(place: string): Keys
  make(place: string): Promise<void>
  /**
   * Sends in this order; resolves when the side has confirmed all. When it throws, nobody knows which of them are
   * stored; the next call opens a connection anew.
   */
  send(place: string, batch: readonly Numbered[]): Promise<void>
  collector(place: string, arrive: (body: string) => void): Collector
  close(): Promise<void>
}

/** Takes away what arrives. Between `stop` and `start` it has no connection and owes the side no acknowledgement. */
export interface Collector {
  start(): Promise<void>
  stop(): Promise<void>
}

/** A client that is opened when it is needed and anew when its work failed or took too long. */
export class Renewed<C> {
  readonly #open: () => Promise<C>
  readonly #drop: (client: C) => unknown
  #client: Promise<C> | undefined

  constructor(open: () => Promise<C>, drop: (client: C) => unknown) {
    this.#open = open
    this.#drop = drop
  }

  async use(work: (client: C) => Promise<unknown>): Promise<void> {
    const limit = AbortSignal.timeout(20_000)
    const late = new Promise<never>((_, reject) =>
      limit.addEventListener('abort', () => reject(limit.reason as Error)),
    )
    late.catch(() => {})
    try {
      this.#client ??= this.#open()
      await Promise.race([this.#client.then(work), late])
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    // One that never opened has nothing to close.
    void client?.then(this.#drop).catch(() => {})
  }
}
