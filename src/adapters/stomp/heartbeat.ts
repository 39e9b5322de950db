/** Milliseconds; 0 is never. */
export interface Beats {
  readonly send: number
  readonly expect: number
}

/**
 * What both sides agreed on (STOMP 1.2, "Heart-beating"): ours is what we offered in both directions, theirs the
 * `heart-beat` header of CONNECTED.
 */
export function agreeBeats(ours: number, theirs: string | undefined): Beats {
  const [canSend = 0, wants = 0] = (theirs ?? '0,0').split(',').map(n => Number(n) || 0)
  return {
    send: wants === 0 ? 0 : Math.max(ours, wants),
    expect: canSend === 0 ? 0 : Math.max(ours, canSend),
  }
}

/** Steps a silence is measured in, of half an interval each: two intervals. */
const patience = 4

/**
 * Beats at half the agreed interval, since brokers cut a client off that is a moment late, and allows the peer twice
 * its interval. Silence is counted in steps of the timer rather than by the clock: a process that was busy for a
 * minute sees one step, and reads what has come meanwhile before the next. Nothing is judged while `paused`.
 */
export class Heartbeat {
  paused = false
  #silence = 0
  readonly #timers: NodeJS.Timeout[] = []

  constructor({ send, expect }: Beats, beat: () => void, dead: (error: Error) => void) {
    if (send > 0) this.#every(send / 2, beat)
    if (expect > 0) {
      this.#every(expect / 2, () => {
        if (this.paused) this.#silence = 0
        else if (++this.#silence > patience) {
          dead(
            new Error(`the broker was silent for ${(expect * 2) / 1000} s, twice the heart-beat it promised`),
          )
        }
      })
    }
  }

  /** Something came from the peer, whatever it was. */
  heard(): void {
    this.#silence = 0
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer)
  }

  #every(interval: number, act: () => void): void {
    this.#timers.push(setInterval(act, Math.max(1, interval)))
  }
}
