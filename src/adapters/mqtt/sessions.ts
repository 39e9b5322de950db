import { LinkLost } from '../../core/errors.ts'

/** For how long a session that another client took over is left to it. */
const leftAlone = 60_000
const short = 10_000

/** What this process remembers of a session from one link to the next. */
export class SessionMemory {
  /** The filter that this process subscribed the session to last. */
  filter: string | undefined
  /** What was already said of it. */
  readonly told = new Set<string>()
  #shortLives = 0

  /**
   * What to say of a connection that the peer closed without a word after `lived` milliseconds. Before version 5 that
   * is all one sees when another client connects with the same client id: the third short life in a row is taken for it.
   */
  closedByPeer(lived: number, clientId: string, cause: Error | undefined): Error {
    this.#shortLives = lived < short ? this.#shortLives + 1 : 0
    if (this.#shortLives < 3) {
      const how = cause === undefined ? 'the broker closed the connection' : 'the connection broke'
      return new LinkLost(how, { cause })
    }
    return new LinkLost(
      `the broker closed the connection soon after it was opened, ${this.#shortLives} times in a row: ` +
        `another client seems to use client id ${clientId} (set client_id on one of them)`,
      { cause, retryAfter: leftAlone },
    )
  }
}

/** The end of a connection whose session another client took over. */
export const takenOver = (clientId: string): LinkLost =>
  new LinkLost(
    `another client took over the session of client id ${clientId}, which one client at a time can use ` +
      `(set client_id on one of them); left alone for ${leftAlone / 1000} s`,
    { retryAfter: leftAlone },
  )

const memories = new WeakMap<object, Map<string, SessionMemory>>()

/** The memory of a client id on the brokers of these connection options. */
export function sessionMemory(connection: object, clientId: string): SessionMemory {
  const ofConnection = memories.get(connection) ?? new Map<string, SessionMemory>()
  memories.set(connection, ofConnection)
  const memory = ofConnection.get(clientId) ?? new SessionMemory()
  ofConnection.set(clientId, memory)
  return memory
}
