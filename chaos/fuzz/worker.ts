import { parentPort, workerData } from 'node:worker_threads'
import { readAll, targetNamed } from './reading.ts'

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
const told = new Int32Array(progress)
const copy = new Uint8Array(current)
const begin = (input: Buffer) => {
  copy.set(input.subarray(0, copy.length))
  told[1] = input.length
}
const end = (done: number) => {
  told[0] = done
}
parentPort!.postMessage(readAll(targetNamed(target), count, seed, begin, end))
