interface Group<T> {
  /** Ready or in flight. */
  busy: number
  /** Held back, in order. */
  readonly waiting: T[]
}

/** Holds back the members of a FIFO group while one of them is busy. Knows only groups that are busy. */
export class Groups<T> {
  readonly #groups = new Map<string, Group<T>>()

  /** True when the group was free and is the member's now; else the member is held back. */
  enter(name: string, member: T): boolean {
    const group = this.#groups.get(name)
    if (group) group.waiting.push(member)
    else this.#groups.set(name, { busy: 1, waiting: [] })
    return group === undefined
  }

  /** Lets held-back members join one that is busy, in their order, as long as they fit. */
  *join(name: string, fits: (member: T) => boolean): Generator<T> {
    const group = this.#groups.get(name)
    while (group?.waiting[0] !== undefined && fits(group.waiting[0])) {
      group.busy++
      yield group.waiting.shift()!
    }
  }

  /** A busy member is done. Returns the one that is busy in its place, when the group has become free for it. */
  leave(name: string): T | undefined {
    const group = this.#groups.get(name)
    if (!group || --group.busy > 0) return undefined
    const next = group.waiting.shift()
    if (next === undefined) this.#groups.delete(name)
    else group.busy = 1
    return next
  }

  /** Forgets a member that is held back. */
  remove(name: string, member: T): void {
    const waiting = this.#groups.get(name)?.waiting
    const at = waiting?.indexOf(member) ?? -1
    if (at >= 0) waiting?.splice(at, 1)
  }

  /** All that are held back, no longer. */
  clear(): T[] {
    return [...this.#groups.values()].flatMap(group => group.waiting.splice(0))
  }
}
