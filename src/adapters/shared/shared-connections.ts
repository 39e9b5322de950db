import { within } from './within.ts'

/** A live connection as its adapter opens it. */
export interface Connection {
  /** Resolves when the connection is gone, with the reason unless it was closed by us. Never rejects. */
  readonly closed: Promise<Error | undefined>
  close(): Promise<void>
}

export interface Lease<T> {
  readonly connection: T
  /** The last one to release closes the connection. Safe to call twice. */
  release(): Promise<void>
}

/**
 * One live connection for all links whose endpoints share the same connection options object. Opened by the first
 * that asks, closed by the last that releases; one that died is never handed out again.
 */
export class SharedConnections<K extends object, T extends Connection> {
  readonly #open = new Map<K, { users: number; readonly connection: Promise<T> }>()

  /** `connect` has time limits of its own; `signal` only ends the waiting of this caller. */
  async lease(key: K, connect: () => Promise<T>, signal: AbortSignal): Promise<Lease<T>> {
    let entry = this.#open.get(key)
    if (!entry) {
      entry = { users: 0, connection: connect() }
      const mine = entry
      this.#open.set(key, mine)
      const forget = () => this.#open.get(key) === mine && this.#open.delete(key)
      mine.connection.then(c => c.closed.then(forget), forget)
    }
    const { connection } = entry
    const leased = entry
    leased.users++
    let released = false
    const release = async () => {
      if (released) return
      released = true
      if (--leased.users > 0) return
      if (this.#open.get(key) === leased) this.#open.delete(key)
      await connection.then(c => c.close()).catch(() => {})
    }
    try {
      return { connection: await within(2 ** 31 - 1, 'connecting', connection, signal), release }
    } catch (error) {
      void release()
      throw error
    }
  }
}
