/** Between two looks (ms), at most; a twentieth of the limit where that is less. */
const longestInterval = 10_000
/** How many times the limit a source stays away at most when nothing was finished since it came back. */
const longestAway = 3

/** Why a source is closed: its broker would not let its messages be held for longer. */
export class HeldTooLong extends Error {
  override readonly name = 'HeldTooLong'

  /** So many, when it was closed. */
  readonly messages: number

  constructor(limit: number, messages: number) {
    super(
      `its messages were held for ${Math.round(limit / 1_000)} s, as long as its broker allows: it is closed, which gives them back, ` +
        'until what they wait for is there',
    )
    this.messages = messages
  }
}

/**
 * Watches how long the deliveries of a source have been held, where its broker sets a limit. Times are in milliseconds.
 *
 * Each return of the messages may count as a failed delivery with their broker, and some have a limit for those. So when
 * nothing at all was finished between two of them, there is a wait before the source comes back: as long as the limit,
 * and then three times as long.
 */
export class HoldWatch {
  #timer: NodeJS.Timeout | undefined
  #limit = Number.POSITIVE_INFINITY
  /** Returns in a row without a delivery that was finished. */
  #fruitless = 0

  /** A link is up: `reached` is called once when the oldest of its deliveries has been held for the limit. */
  begin(limit: number, oldestAge: () => number, reached: () => void): void {
    this.end()
    this.#limit = limit
    if (limit === Number.POSITIVE_INFINITY) return
    const look = () => {
      if (oldestAge() < limit) return
      this.end()
      this.#fruitless++
      reached()
    }
    this.#timer = setInterval(look, Math.min(longestInterval, Math.max(1, limit / 20))).unref()
  }

  end(): void {
    clearInterval(this.#timer)
  }

  /** A delivery was settled. */
  settled(): void {
    this.#fruitless = 0
  }

  /** How long to stay away at least, after `reached`. */
  get away(): number {
    return this.#fruitless === 0 ? 0 : Math.min(2 ** (this.#fruitless - 1) - 1, longestAway) * this.#limit
  }
}
