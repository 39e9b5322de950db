/** A set of sequence numbers, as few ranges as they make. */
export class Ranges {
  /** Ascending, never touching. */
  readonly #ranges: [from: number, to: number][] = []
  #count = 0

  /** How many numbers are in it. */
  get count(): number {
    return this.#count
  }

  /** The highest number in it, 0 where there is none. */
  get highest(): number {
    return this.#ranges.at(-1)?.[1] ?? 0
  }

  get all(): readonly (readonly [from: number, to: number])[] {
    return this.#ranges
  }

  /** Both are in the range. */
  add(from: number, to: number): void {
    if (to < from) return
    const first = this.#find(from - 1)
    let end = first
    let [low, high] = [from, to]
    for (; end < this.#ranges.length && this.#ranges[end]![0] <= to + 1; end++) {
      const [a, b] = this.#ranges[end]!
      low = Math.min(low, a)
      high = Math.max(high, b)
      this.#count -= b - a + 1
    }
    this.#count += high - low + 1
    if (end === first + 1) this.#ranges[first] = [low, high]
    else this.#ranges.splice(first, end - first, [low, high])
  }

  has(seq: number): boolean {
    return this.covers(seq, seq)
  }

  covers(from: number, to: number): boolean {
    if (to < from) return true
    const range = this.#ranges[this.#find(from)]
    return range !== undefined && range[0] <= from && to <= range[1]
  }

  /** The first number from `from` on that is not in it. */
  firstMissing(from: number): number {
    const range = this.#ranges[this.#find(from)]
    return range === undefined || range[0] > from ? from : range[1] + 1
  }

  /** The place of the first range that ends at this number or behind it. */
  #find(seq: number): number {
    let [low, high] = [0, this.#ranges.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#ranges[middle]![1] < seq) low = middle + 1
      else high = middle
    }
    return low
  }
}
