import { setTimeout as pause } from 'node:timers/promises'
import { Generating } from './generating.ts'
import { type Account, Ledger } from './ledger.ts'
import type { Length, Scenario } from './scenario.ts'
import { openWorld } from './world.ts'

export interface Soaked extends Account {
  readonly seconds: number
  /** Bytes an hour, by the straight line that fits best all samples after the first third. */
  readonly rssAnHour: number
  /** Open files an hour, likewise. */
  readonly filesAnHour: number
  readonly rss: readonly [first: number, last: number]
  readonly files: readonly [first: number, last: number]
  readonly wrongs: readonly string[]
}

/** No faults but one connection that is reset every five seconds: what is opened again and again must not pile up. */
export const soak: Scenario = {
  name: 'soak',
  from: 'rabbitmq4-amqp10',
  to: 'sqs',
  isOrdered: false,
  rate: 200,
  lanes: [],
}

interface Sample {
  /** Hours. */
  readonly at: number
  readonly rss: number
  readonly files: number
}

/** Garbage is collected soon, so that what grows is what stays. */
const smallHeap = '--max-old-space-size=80 --max-semi-space-size=2'

/** What may be more at the end of the run, as the line has it: the connections to SQS come and go, up to 25 of them. */
export const tolerance = { bytes: 32 * 2 ** 20, files: 30 }

export async function runSoak(
  { milliseconds }: Length,
  say: (line: string) => void = () => {},
): Promise<Soaked> {
  const ledger = new Ledger()
  const world = await openWorld({ ...soak, hasDisk: false, own: [] }, body => ledger.arrive(body))
  try {
    await world.bridge.start(smallHeap)
    await world.bridge.running.connected()
    const generating = new Generating(world.source.end, ledger, soak.rate, 20)
    const began = performance.now()
    const samples: Sample[] = []
    for (let second = 1; performance.now() - began < milliseconds; second++) {
      await pause(1_000)
      const { rss, files } = world.bridge.now()
      samples.push({ at: (performance.now() - began) / 3_600_000, rss, files })
      if (second % 5 === 0) world.source.proxy.cut()
      if (second % 60 === 0) say(`${second} s: RSS ${Math.round(rss / 2 ** 20)} MiB, ${files} files`)
    }
    await generating.stop()
    await ledger.progressing(() => ledger.caughtUp(), 60_000)
    await world.bridge.stop()
    const steady = samples.slice(Math.floor(samples.length / 3))
    const [first, last] = [steady[0]!, steady.at(-1)!]
    const hours = last.at - first.at
    const [rssAnHour, filesAnHour] = [slope(steady, s => s.rss), slope(steady, s => s.files)]
    const account = ledger.account()
    return {
      ...account,
      seconds: milliseconds / 1000,
      rssAnHour,
      filesAnHour,
      rss: [first.rss, last.rss],
      files: [first.files, last.files],
      wrongs: [
        ...world.bridge.wrongs,
        ...(account.lost > 0 ? [`${account.lost} lost`] : []),
        ...(rssAnHour * hours > tolerance.bytes
          ? [`RSS grew by ${Math.round(rssAnHour * hours)} bytes`]
          : []),
        ...(filesAnHour * hours > tolerance.files ? [`open files grew by ${filesAnHour * hours}`] : []),
      ],
    }
  } finally {
    await world.close()
  }
}

/** Of the line with the least squares. */
export function slope(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const mean = (of: (s: Sample) => number) => samples.reduce((sum, s) => sum + of(s), 0) / samples.length
  const [at, middle] = [mean(s => s.at), mean(value)]
  const spread = samples.reduce((sum, s) => sum + (s.at - at) ** 2, 0)
  return spread === 0 ? 0 : samples.reduce((sum, s) => sum + (s.at - at) * (value(s) - middle), 0) / spread
}
