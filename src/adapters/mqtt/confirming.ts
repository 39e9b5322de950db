/** A broker that confirms nothing for so long (ms) while it should is said to hold up its publishers. */
const patience = 5_000

/** Notices when a broker stops to confirm, as it does when it is short of memory or disk, and when it goes on. */
export class Confirming {
  readonly #notice: (text: string) => void
  #heard = 0
  #isHeldUp = false

  constructor(notice: (text: string) => void) {
    this.#notice = notice
  }

  /** There is something to confirm, from `now` on (milliseconds of any one clock), and there was nothing before. */
  begins(now: number): void {
    this.#heard = now
  }

  confirmed(now: number): void {
    this.#heard = now
    if (this.#isHeldUp) this.#notice('the broker confirms messages again')
    this.#isHeldUp = false
  }

  /** There still is something to confirm. */
  waits(now: number): void {
    if (this.#isHeldUp || now - this.#heard <= patience) return
    this.#isHeldUp = true
    this.#notice(
      `the broker has confirmed no message for ${patience / 1000} s: it may be holding up its publishers`,
    )
  }
}
