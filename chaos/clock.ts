import { readFileSync } from 'node:fs'

/**
 * Loaded into the bridge before it (NODE_OPTIONS=--import): its wall clock is off by the milliseconds that stand in a
 * file, which is read again ten times a second. That is what JavaScript sees of a step of the system's clock: `Date`
 * jumps, while timers and `performance.now()`, which Node takes from the monotonic clock, go on.
 */
const file = process.env.SLUICE_CHAOS_CLOCK
const True = Date
let off = 0

class Stepped extends True {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(Stepped.now())
    else super(...(args as [number]))
  }
  static override now(): number {
    return True.now() + off
  }
}

function look(): void {
  off = Number(readFileSync(file!, 'utf8')) || 0
}

if (file) {
  globalThis.Date = Stepped as unknown as DateConstructor
  look()
  setInterval(look, 100).unref()
}
