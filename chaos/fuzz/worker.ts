import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { inputs } from './inputs.ts'
import { fuzzTargets } from './targets.ts'

/** What fuzz.ts gives, and watches while this thread works. */
export interface Work {
  readonly target: string
  readonly count: number
  readonly seed: number
  /** Inputs read so far, and the length of the one that is being read. */
  readonly progress: SharedArrayBuffer
  /** That input, so that it is known when this thread never comes back. */
  readonly current: SharedArrayBuffer
}

const { target, count, seed, progress, current } = workerData as Work
const { read, seeds, refuses = () => false } = fuzzTargets.find(t => t.name === target)!
const told = new Int32Array(progress)
const copy = new Uint8Array(current)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const wrongs: string[] = []
let [slowest, done, before] = [0, 0, 0]

function one(input: Buffer): void {
  copy.set(input.subarray(0, copy.length))
  told[1] = input.length
  const began = performance.now()
  try {
    read(input)
  } catch (error) {
    if (!refuses(error) && wrongs.length < 5) {
      const what = error instanceof Error ? error.stack : String(error)
      wrongs.push(`${what}\nby ${input.toString('base64')}`)
    }
  }
  slowest = Math.max(slowest, performance.now() - began)
  told[0] = ++done
  // Growth is measured once everything has been compiled and cached.
  if (done === Math.floor(count / 3)) before = live()
}

function live(): number {
  collect()
  return process.memoryUsage().heapUsed
}

const run = fc.assert(fc.property(inputs(seeds()), one), { numRuns: count, seed, endOnFailure: true })
void run
parentPort!.postMessage({ slowest, grown: live() - before, wrongs })
