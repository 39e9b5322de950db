import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { within } from '../../src/adapters/shared/within.ts'
import { promises, type SinkPromise, sinkConformance, sinkPromises } from './sink-conformance.ts'
import { sinkBenchOf } from './sink-promises/bench.ts'
import { type Fault, scripted } from './sink-scripted.ts'
import { scriptedBroker } from './sink-scripted-broker.ts'

sinkConformance({
  title: 'scripted',
  adapter: scripted(),
  fixture: scriptedBroker,
  examples: ['a text'],
})

/** A fault and the promise that it breaks, of which the suite must say so in words like these. */
const broken: readonly (readonly [SinkPromise, Fault, RegExp])[] = [
  ['bytes', 'text', /body 2 of 6 bytes/],
  ['confirmed', 'same call', /object of its own/],
  ['flight', 'swapped', /deep/],
  ['flight', 'twice', /deep|none twice/],
  ['address', 'nameless', /did not match/],
  ['credentials', 'anybody', /Missing expected rejection/],
  ['silent', 'patient', /did not match/],
  ['abort', 'deaf', /deep|enough|longer than/],
  ['missing', 'blames message', /MessageRefused/],
  ['missing', 'drops', /Missing expected rejection/],
  ['guilty', 'blames target', /after 5 links, neither confirmed nor refused: guilty/],
  ['guilty', 'touchy', /after 5 links, neither confirmed nor refused: .*guilty/],
  ['guilty', 'drops', /deep/],
  ['gone', 'blames target', /after 5 links, neither confirmed nor refused: guilty/],
  ['many', 'narrow', /deep/],
  ['check', 'probing', /deep/],
  ['checkGone', 'blind', /Missing expected rejection/],
  ['checkGone', 'blames message', /MessageRefused/],
  ['trial', 'marking', /deep/],
  ['tooLarge', 'any size', /Missing expected exception/],
  ['largest', 'greedy', /too large/],
  ['mixed', 'split', /deep/],
  ['pressure', 'flooding', /wait in the socket/],
  ['pressure', 'hoarding', /more in buffers/],
  ['blocked', 'discreet', /a notice that the broker blocks/],
  ['nothingOpen', 'leaving', /the end of connections that were closed/],
  ['apart', 'touchy', /the sink is closed|connection is gone/],
  ['signal', 'deaf', /longer than|Missing expected rejection|deep/],
  ['cut', 'wrong error', /ECONNRESET/],
  ['cut', 'quiet end', /closed resolves with the reason/],
  ['cut', 'written', /nothing is confirmed/],
  ['cutFlight', 'written', /confirmed and missing/],
  ['stalled', 'waiting', /the end of every send/],
  ['stalled', 'written', /deep/],
  ['silentPeer', 'sleeping', /noticing the silence/],
  ['close', 'forgetting', /the end of every send/],
  ['stalledClose', 'clinging', /closing took longer/],
  ['neighbour', 'selfish', /connection is gone|the sink is closed/],
  ['cuts', 'written', /deep/],
  ['cutsSpread', 'written', /deep/],
  ['cutsInTurn', 'late', /deep/],
]

async function sees([promise, fault, says]: (typeof broken)[number], t: TestContext): Promise<void> {
  const broker = await scriptedBroker()
  const bench = sinkBenchOf(scripted(fault), broker)
  t.after(() => bench.close())
  await assert.rejects(within(60_000, 'a promise', promises[promise](bench, t)), says)
}

/** What looks at the memory of the process has it for itself. */
const alone = broken.filter(([promise]) => promise === 'pressure')
const together = broken.filter(([promise]) => promise !== 'pressure')

for (const [cases, concurrency] of [
  [together, 8],
  [alone, 1],
] as const) {
  describe('the sink suite sees', { concurrency }, () => {
    for (const one of cases) {
      test(`that a sink with the fault "${one[1]}" breaks: ${sinkPromises[one[0]]}`, t => sees(one, t))
    }
  })
}

test('each promise of a sink is broken by some fault', () => {
  const seen = new Set(broken.map(([promise]) => promise))
  assert.deepEqual(
    Object.keys(sinkPromises).filter(key => !seen.has(key as SinkPromise)),
    [],
  )
})
