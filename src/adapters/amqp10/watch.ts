import type { ConnectionInside } from './connection.ts'

/**
 * Ends a connection whose peer has been silent for twice the heartbeat. Counts looks instead of time: a process that
 * was busy finds one look due, not four, and reads what had arrived meanwhile before the next. Replaces rhea's own
 * timer, which judges before it reads and is never set again when the peer stops in the middle of a frame.
 */
export function watch(
  connection: ConnectionInside,
  heartbeat: number,
  die: (error: Error) => void,
): () => void {
  let read = 0
  let silent = 0
  const look = () => {
    const { bytesRead } = connection.socket
    silent = bytesRead === read ? silent + 1 : 0
    read = bytesRead
    if (silent >= 4) die(new Error(`the broker was silent for ${(heartbeat * 2) / 1000} s`))
  }
  const timer = setInterval(look, heartbeat / 2)
  return () => clearInterval(timer)
}
