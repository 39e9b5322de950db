import { untilAborted } from './within.ts'

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

interface Entry<T> {
  users: number
  readonly connection: Promise<T>
}

/**
 * One live connection for all links whose endpoints share the same connection options object, or as few as hold them.
 * Opened by the first that asks, closed by the last that releases; one that died is never handed out again.
 */
export class SharedConnections<K extends object, T extends Connection> {
  readonly #open = new Map<K, Entry<T>[]>()
  readonly #roomOf: (connection: T) => number
  /** Links that a connection holds, once one was open. */
  readonly #room = new WeakMap<K, number>()

  /** `roomOf` says how many links a connection holds; without it, any number. */
  constructor(roomOf: (connection: T) => number = () => Number.POSITIVE_INFINITY) {
    this.#roomOf = roomOf
  }

  /** `connect` has time limits of its own; `signal` only ends the waiting of this caller. */
  async lease(key: K, connect: () => Promise<T>, signal: AbortSignal): Promise<Lease<T>> {
    for (;;) {
      const entry = this.#withRoom(key) ?? this.#another(key, connect)
      entry.users++
      let released = false
      const release = async () => {
        if (released) return
        released = true
        if (--entry.users > 0) return
        this.#forget(key, entry)
        await entry.connection.then(c => c.close()).catch(() => {})
      }
      try {
        const connection = await untilAborted(entry.connection, signal)
        const room = this.#roomOf(connection)
        this.#room.set(key, room)
        // More may have waited for it than it turned out to hold.
        if (entry.users <= Math.max(room, 1)) return { connection, release }
      } catch (error) {
        void release()
        throw error
      }
      void release()
    }
  }

  #withRoom(key: K): Entry<T> | undefined {
    const room = this.#room.get(key) ?? Number.POSITIVE_INFINITY
    return this.#open.get(key)?.find(({ users }) => users < room)
  }

  #another(key: K, connect: () => Promise<T>): Entry<T> {
    const entry: Entry<T> = { users: 0, connection: connect() }
    this.#open.set(key, [...(this.#open.get(key) ?? []), entry])
    const forget = () => this.#forget(key, entry)
    entry.connection.then(c => c.closed.then(forget), forget)
    return entry
  }

  #forget(key: K, entry: Entry<T>): void {
    const others = this.#open.get(key)?.filter(e => e !== entry) ?? []
    if (others.length > 0) this.#open.set(key, others)
    else this.#open.delete(key)
  }
}
