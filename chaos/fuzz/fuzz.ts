import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Fuzzed } from '../results.ts'
import type { Read } from './reading.ts'
import type { Work } from './worker.ts'

/** Milliseconds for one input; what takes longer is a hang. */
export const limit = 5_000
/** Bytes of live heap that may be more at the end than after the first third. */
export const tolerance = 8 * 2 ** 20

const kept = 1 << 16

/** Has a thread read so many inputs; one that never comes back from an input is ended, and the input told. */
export async function fuzz(target: string, count: number, seed: number): Promise<Fuzzed> {
  const progress = new SharedArrayBuffer(8)
  const current = new SharedArrayBuffer(kept)
  const workerData: Work = { target, count, seed, progress, current }
  const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData })
  const seen = new Int32Array(progress)
  const { promise, resolve, reject } = Promise.withResolvers<Read>()
  worker.on('message', resolve).on('error', reject)
  let [last, since] = [-1, performance.now()]
  const look = setInterval(() => {
    const now = performance.now()
    if (seen[0] !== last) [last, since] = [seen[0]!, now]
    // Before the first input the thread is loading.
    else if (now - since > limit && last > 0 && last < count) {
      const input = Buffer.from(new Uint8Array(current).subarray(0, seen[1])).toString('base64')
      resolve({ slowest: now - since, grown: 0, wrongs: [`it did not come back from ${input}`] })
    }
  }, 500)
  try {
    const { slowest, grown, wrongs } = await promise
    const all = [
      ...wrongs,
      ...(slowest > limit ? [`an input took ${Math.round(slowest)} ms`] : []),
      ...(grown > tolerance ? [`${grown} bytes of heap are left over`] : []),
    ]
    return { target, inputs: seen[0]!, seed, slowest, grown, wrongs: all }
  } finally {
    clearInterval(look)
    await worker.terminate()
  }
}
