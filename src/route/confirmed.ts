/** Deliveries remembered at most; beyond, the oldest are forgotten and sent again to every target. */
const most = 10_000

/**
 * Which targets have confirmed a message whose delivery was lost because of the others: when its broker hands it out
 * again, those need not get it twice. By the name of the delivery, where its broker gave it one; forgotten once asked.
 */
export class Confirmed {
  readonly #targets = new Map<string, ReadonlySet<string>>()

  remember(id: string, targets: ReadonlySet<string>): void {
    this.#targets.set(id, targets)
    if (this.#targets.size > most) this.#targets.delete(this.#targets.keys().next().value!)
  }

  recall(id: string): ReadonlySet<string> | undefined {
    const targets = this.#targets.get(id)
    this.#targets.delete(id)
    return targets
  }
}
