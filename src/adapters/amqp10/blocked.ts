/** Seconds without progress after which people should know. */
const patience = 5

/** What is looked at. */
export interface Progress {
  /** Messages that wait for credit, for the session's window or for the socket. */
  readonly waiting: number
  /** Messages whose writing has begun since the link was opened. */
  readonly begun: number
}

/**
 * Says when messages wait and none goes out, and when they go again: AMQP 1.0 has no word for a broker that blocks its
 * senders (a memory alarm of RabbitMQ, a full address of Artemis): it gives no credit, or does not read.
 */
export function watchBlocked(progress: Progress, broker: string, notice: (text: string) => void): () => void {
  let begun = progress.begun
  let looks = 0
  const look = () => {
    const stuck = progress.waiting > 0 && progress.begun === begun
    begun = progress.begun
    if (!stuck && looks >= patience) notice(`${broker} takes messages again`)
    looks = stuck ? looks + 1 : 0
    if (looks === patience)
      notice(`${broker} blocks its senders: ${progress.waiting} messages wait for it to take any`)
  }
  const timer = setInterval(look, 1_000)
  return () => clearInterval(timer)
}
