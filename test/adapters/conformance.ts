import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import type { SourceOptions } from '../../src/core/adapter.ts'
import type { Example, SourceAdapter, SourceFixture } from './fixture.ts'
import { type Bench, benchOf, opened } from './promises/bench.ts'
import { cuts } from './promises/cuts.ts'
import { delivering } from './promises/delivering.ts'
import { contains, plain } from './promises/expect.ts'
import { losing } from './promises/losing.ts'
import { opening } from './promises/opening.ts'

/** What every source promises. A suite that cannot keep one says why under `skip`. */
export const sourcePromises = {
  bytes: 'carries every byte of a body: empty, NUL, broken UTF-8, emoji, up to 2 MiB',
  address: 'fails to open where nobody listens, and names the address',
  credentials: 'fails to open with a wrong password, and says so',
  missing: 'fails to open on a place that does not exist, and names it',
  silent: 'fails to open in bounded time on a port that accepts and stays silent',
  abort: 'stops opening when its signal is aborted',
  credit: 'never hands over more than was granted',
  accepted: 'does not see an accepted message again, and sees the others again after close()',
  rejected: 'does not see a rejected message again',
  stop: 'hands over nothing new after stop(), and still settles what is out',
  close: 'resolves closed with undefined after close(), twice, and loses what was unsettled',
  cut: 'loses its deliveries before closed resolves when the connection is cut, and settles none of them',
  again: 'sees unsettled messages again after a cut',
  detached: 'notices that the broker took the link away while the connection lives',
  stalled: 'notices a peer that falls silent',
  stalledClose: 'closes in bounded time when the peer is silent',
  neighbour: 'leaves the other links of a connection at work when it closes',
  cuts: 'loses none of 2,000 messages while the connection is cut now and then',
} as const

export type SourcePromise = keyof typeof sourcePromises

/** How each is tested. */
export type Promises = Record<SourcePromise, (bench: Bench, t: TestContext) => Promise<void>>

export interface SourceSuite<C, O extends SourceOptions> {
  readonly title: string
  readonly adapter: SourceAdapter<C, O>
  /** Called once, before the first test. */
  fixture(): Promise<SourceFixture>
  /** Why the whole suite cannot run here, e.g. that the broker is missing; from test/support/brokers.ts. */
  readonly unavailable?: string | false | undefined
  readonly skip?: Partial<Record<SourcePromise, string>>
  /** Titles of the fixture's examples, known before the broker is: one test each. */
  readonly examples: readonly string[]
  /** By title: why the broker cannot carry an example. */
  readonly skipExamples?: Readonly<Record<string, string>>
}

/** Runs the promises of a source on a real broker. */
export function sourceConformance<C, O extends SourceOptions>(suite: SourceSuite<C, O>): void {
  const promises: Promises = { ...opening, ...delivering, ...losing, cuts }
  let bench: Bench

  describe(`${suite.title} source`, { skip: suite.unavailable || false }, () => {
    before(async () => {
      const broker = await suite.fixture()
      bench = benchOf(suite.adapter, broker)
      const titles = broker.examples.map(e => e.title)
      assert.deepEqual(suite.examples, titles)
    })
    after(() => bench?.broker.close())

    for (const [i, title] of suite.examples.entries()) {
      const skip = suite.skipExamples?.[title] ?? false
      test(`carries ${title}`, { skip, timeout: 30_000 }, t => carries(bench, bench.broker.examples[i]!, t))
    }
    for (const [key, title] of Object.entries(sourcePromises) as [SourcePromise, string][]) {
      const timeout = key === 'cuts' ? 60_000 : 30_000
      test(title, { skip: suite.skip?.[key] ?? false, timeout }, t => promises[key](bench, t))
    }
  })
}

async function carries(bench: Bench, { send, expected }: Example, t: TestContext): Promise<void> {
  const name = await bench.broker.create()
  await send(name)
  const consumer = await opened(t, bench, name)
  const [delivery] = await consumer.take(1)
  const { body, headers, properties, annotations = {} } = delivery!.message
  if (expected.body) assert.deepEqual(plain(body), plain(expected.body))
  contains(headers, expected.headers, 'header')
  contains(properties, expected.properties, 'property')
  contains(annotations, expected.annotations, 'annotation')
  await delivery!.settle('accepted')
}
