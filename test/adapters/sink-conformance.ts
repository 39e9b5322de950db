import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { within } from '../../src/adapters/shared/within.ts'
import type { Prepared } from '../../src/core/adapter.ts'
import type { SinkAdapter, SinkFixture } from './sink-fixture.ts'
import { frozen, never, opened, type Scope, type SinkBench, sinkBenchOf } from './sink-promises/bench.ts'
import { long } from './sink-promises/long.ts'
import { losing } from './sink-promises/losing.ts'
import { opening } from './sink-promises/opening.ts'
import { pressing } from './sink-promises/pressing.ts'
import { sending } from './sink-promises/sending.ts'

/** What every sink promises. A suite that cannot keep one says why under `skip`. */
export const sinkPromises = {
  bytes: 'carries every byte of a body: empty, NUL, broken UTF-8, emoji, up to 1 MiB',
  confirmed: 'a send that resolved is in the place, with an object of its own for its call',
  flight: '5,000 sends in flight at once arrive in the order of send(), and none twice',
  address: 'fails to open where nobody listens, and names the address',
  credentials: 'fails to open with a wrong password, and says so',
  silent: 'fails to open in bounded time on a port that accepts and stays silent',
  abort: 'stops opening when its signal is aborted',
  missing: 'a fixed place that does not exist is no fault of the message, and is named',
  guilty:
    'a message to a place that does not exist is refused where a template chose it, and its neighbours arrive',
  gone: 'the same for a place that was there before',
  apart: 'such a message leaves the other links of the connection at work',
  many: 'sends to 300 places by one sink, in order in each',
  check: 'check() passes where the target is there, and leaves nothing in it',
  checkGone: 'check() throws where the target is gone, and names it',
  trial: 'opens for a trial and leaves nothing behind',
  tooLarge: 'prepare() refuses what is too large, with both sizes',
  largest: 'the broker takes what prepare() lets through, up to 8 MiB',
  mixed: 'keeps the order of large and small messages',
  pressure: 'does not pile up in its socket what the broker does not read, and sends it when it does',
  blocked: 'says that the broker blocks its publishers and when it is over, and sends then',
  signal: 'a send ends when its signal is aborted, and its neighbour is confirmed',
  cut: 'a cut rejects every unconfirmed send with LinkLost and resolves closed with the reason',
  cutFlight: 'a cut amid many sends: all that resolved is there, the rest is LinkLost',
  stalled: 'a send that a stalled peer does not confirm fails after send_timeout',
  silentPeer: 'notices a peer that falls silent',
  close: 'close() amid many sends ends them in bounded time, twice, and resolves closed with undefined',
  stalledClose: 'closes in bounded time when the peer is silent',
  nothingOpen: 'leaves no connection behind when it closed or failed to open',
  neighbour: 'leaves the other links of a connection at work when it closes',
  cuts: 'loses none of 2,000 messages while the connection is cut now and then',
  cutsSpread: 'loses none of 1,000 messages to 20 places while the connection is cut now and then',
  cutsInTurn: 'keeps the order through cuts when they are sent one after the other',
} as const

export type SinkPromise = keyof typeof sinkPromises

/** How each is tested. */
export type SinkPromises = Record<SinkPromise, (bench: SinkBench, t: Scope) => Promise<void>>

export const promises: SinkPromises = { ...opening, ...sending, ...pressing, ...losing, ...long }

export interface SinkSuite<C, O, P extends Prepared, N> {
  readonly title: string
  readonly adapter: SinkAdapter<C, O, P>
  /** Called once, before the first test. */
  fixture(): Promise<SinkFixture<N>>
  /** Why the whole suite cannot run here, e.g. that the broker is missing; from test/support/brokers.ts. */
  readonly unavailable?: string | false | undefined
  readonly skip?: Partial<Record<SinkPromise, string>>
  /** Titles of the fixture's examples, known before the broker is: one test each. */
  readonly examples: readonly string[]
  /** By title: why the broker cannot carry an example. */
  readonly skipExamples?: Readonly<Record<string, string>>
}

/** Runs the promises of a sink on a real broker. */
export function sinkConformance<C, O, P extends Prepared, N>(suite: SinkSuite<C, O, P, N>): void {
  let bench: SinkBench

  describe(`${suite.title} sink`, { skip: suite.unavailable || false }, () => {
    before(async () => {
      const broker = await suite.fixture()
      bench = sinkBenchOf(suite.adapter, broker)
      assert.deepEqual(
        suite.examples,
        broker.examples.map(e => e.title),
      )
    })
    after(() => bench?.close())

    for (const [i, title] of suite.examples.entries()) {
      const skip = suite.skipExamples?.[title] ?? false
      test(`carries ${title}`, { skip, timeout: 30_000 }, t => carries(bench, i, t))
    }
    for (const [key, title] of Object.entries(sinkPromises) as [SinkPromise, string][]) {
      const timeout = key.startsWith('cuts') ? 90_000 : 45_000
      test(title, { skip: suite.skip?.[key] ?? false, timeout }, t => promises[key](bench, t))
    }
  })
}

async function carries(bench: SinkBench, i: number, t: Scope): Promise<void> {
  const { message, check } = bench.broker.examples[i]!
  const name = await bench.broker.create()
  const { sink, target } = await opened(t, bench, bench.broker.endpoint(name))
  const { address } = target.message(name, '')
  const natives: unknown[] = []
  const reading = bench.broker.read(name, ({ native }) => natives.push(native) === 1)
  await within(
    10_000,
    'sending',
    sink.send(target.prepare(sink.limits, frozen({ ...message, address })), never),
  )
  await within(10_000, 'reading', reading)
  check(natives[0])
}
