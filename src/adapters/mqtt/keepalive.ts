/** What keeping a connection alive needs of it. */
export interface Pulse {
  /** All that ever came. */
  readonly bytesRead: number
  /** False while we do not read: then the answers wait in the socket, and silence means nothing. */
  readonly reading: boolean
  ping(): void
  /** The peer was silent for too long. */
  silent(): void
}

/**
 * Pings twice an interval, whatever else goes on, so that a process busy for less than one interval misses nothing
 * (the broker closes after one and a half, MQTT-3.1.2-24). A peer that sent nothing for two intervals is silent.
 * Silence is counted in ticks, between which the event loop has read its sockets: a process that was blocked for
 * longer does not take its own sleep for the peer's.
 *
 * Returns what ends it.
 */
export function keepAlive(interval: number, pulse: Pulse): () => void {
  let heard = pulse.bytesRead
  let quiet = 0
  const timer = setInterval(() => {
    quiet = pulse.reading && pulse.bytesRead === heard ? quiet + 1 : 0
    heard = pulse.bytesRead
    if (quiet >= 4) pulse.silent()
    else pulse.ping()
  }, interval / 2)
  return () => clearInterval(timer)
}
