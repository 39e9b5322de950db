/** Milliseconds without a confirmation, while some are owed, that people must hear of. */
const patience = 5_000

/** Watches whether the broker goes on confirming, and says once when it stops and once when it goes on. */
export class Progress {
  readonly #say: (text: string) => void
  #last = performance.now()
  #stopped = false

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** The first message is out after a time when none was. */
  begun(): void {
    if (!this.#stopped) this.#last = performance.now()
  }

  made(): void {
    this.#last = performance.now()
    if (!this.#stopped) return
    this.#stopped = false
    this.#say('the broker confirms messages again')
  }

  look(isOwed: boolean, unsent: number): void {
    if (!isOwed || this.#stopped || performance.now() - this.#last < patience) return
    this.#stopped = true
    this.#say(
      unsent > 0
        ? 'the broker does not read what is sent to it: it holds up its publishers, as for want of memory or disk'
        : `the broker has confirmed nothing for ${patience / 1000} s: it may be holding up its publishers, as for want of memory or disk`,
    )
  }
}
