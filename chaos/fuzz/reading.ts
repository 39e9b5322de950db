import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import type { Fuzzed } from '../results.ts'
import { inputs } from './inputs.ts'
import { type FuzzTarget, fuzzTargets } from './targets.ts'

export type Read = Pick<Fuzzed, 'slowest' | 'grown' | 'wrongs'>

/** Crashes that are told of one reader. */
const most = 5

export const targetNamed = (name: string): FuzzTarget => fuzzTargets.find(t => t.name === name)!

/** Gives the reader so many inputs; `begin` and `end` hear of each. */
export function readAll(
  { read, seeds, refuses = () => false }: FuzzTarget,
  count: number,
  seed: number,
  begin: (input: Buffer) => void = () => {},
  end: (done: number) => void = () => {},
): Read {
  const wrongs: string[] = []
  let [slowest, done, before] = [0, 0, 0]
  const one = (input: Buffer) => {
    begin(input)
    const began = performance.now()
    try {
      read(input)
    } catch (error) {
      if (!refuses(error) && wrongs.length < most) {
        wrongs.push(`${error instanceof Error ? error.stack : String(error)}\nby ${input.toString('base64')}`)
      }
    }
    slowest = Math.max(slowest, performance.now() - began)
    end(++done)
    // Growth is measured once everything has been compiled and cached.
    if (done === Math.floor(count / 3)) before = live()
  }
  void fc.assert(fc.property(inputs(seeds()), one), { numRuns: count, seed, endOnFailure: true })
  return { slowest, grown: live() - before, wrongs }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function live(): number {
  collect()
  return process.memoryUsage().heapUsed
}
