import { LinkLost } from '../../core/errors.ts'

/** For how long a session that another client took over is left to it. */
const leftAlone = 60_000
/** Lives that end this soon, so many in a row and for so long, are no accident. */
const short = 10_000
const many = 5
const long = 30_000
/** A life that began later than this after the one before it says nothing: the broker may have been down meanwhile. */
const atOnce = 5_000

/** What this process remembers of a session from one link to the next. */
export class SessionMemory {
  /** The filter that this process subscribed the session to last. */
  filter: string | undefined
  /** Did the broker ever say that it had it? ActiveMQ Classic 5.18 never does, although it keeps it. */
  wasPresent = false
  /** What was already said of it. */
  readonly told = new Set<string>()
  #row = { since: 0, lives: 0 }
  #closed = Number.NEGATIVE_INFINITY

  /** A connection could not be opened: the broker was down, and those before may have ended for that. */
  notOpened(): void {
    this.#row.lives = 0
  }

  /**
   * What to say of a connection that the peer closed without a word (times in milliseconds of any one clock). That is all one
   * sees when another client connects with the same client id, and both may go on so for ever: before version 5, and of Mosquitto
   * 2.0 in version 5 too. A broker that takes a client in again at once, time after time, was not restarted.
   */
  closedByPeer(opened: number, closed: number, clientId: string, cause?: Error): LinkLost {
    const isAtOnce = opened - this.#closed < atOnce
    this.#closed = closed
    if (closed - opened >= short) this.#row.lives = 0
    else if (this.#row.lives === 0) this.#row = { since: opened, lives: 1 }
    else if (isAtOnce) this.#row.lives++
    if (this.#row.lives < many || closed - this.#row.since < long) {
      return closedWithoutWord(cause)
    }
    return new LinkLost(
      `the broker closed the connection soon after it was opened, ${this.#row.lives} times in a row: another client ` +
        `seems to use client id ${clientId} (set client_id on one of them); left alone for ${leftAlone / 1000} s`,
      { cause, retryAfter: leftAlone },
    )
  }
}

/** The end of a connection that the peer closed, about which nothing else is known. */
export const closedWithoutWord = (cause?: Error): LinkLost =>
  new LinkLost(cause === undefined ? 'the broker closed the connection' : 'the connection broke', { cause })

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
