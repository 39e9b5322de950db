/** Numbers that are the same for the same seed and name, whatever is drawn elsewhere. */
export interface Random {
  /** From `least` to `most`, both included. */
  whole(least: number, most: number): number
  of<T>(items: readonly T[]): T
  isTrue(share: number): boolean
}

export function seeded(seed: number, name = ''): Random {
  let state = seed >>> 0
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193) >>> 0
  /** mulberry32 */
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  return { whole, of: items => items[whole(0, items.length - 1)]!, isTrue: share => next() < share }
}
