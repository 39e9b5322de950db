/** How many messages the broker may have out to the consumer (basic.qos), from what the route granted and settled. */
export class Window {
  readonly #limit: number
  #granted = 0
  #settled = 0

  /** The basic.qos in force; 0 before the first grant. */
  size = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get settled(): number {
    return this.#settled
  }

  grant(messages: number): void {
    this.#granted += messages
  }

  settle(): void {
    this.#settled++
  }

  /** What is granted and not settled, which basic.qos may be raised to. */
  get allowed(): number {
    return Math.min(this.#limit, this.#granted - this.#settled)
  }

  /** Is it worth a new consumer? It grows in few steps, to twice its size or to the limit, and never shrinks. */
  get shouldGrow(): boolean {
    const { allowed, size } = this
    return allowed > size && (allowed >= 2 * size || allowed === this.#limit)
  }
}
