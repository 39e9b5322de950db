import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../../src/core/errors.ts'
import { freePort, says, silentPort } from '../promises/expect.ts'
import type { SinkPromises } from '../sink-conformance.ts'
import type { RawTarget } from '../sink-fixture.ts'
import { limited, opened, readBack, type Scope, type SinkBench, withConnection } from './bench.ts'

/** Opens where it must not work; what should not have opened is closed. */
async function opens(t: Scope, bench: SinkBench, raw: RawTarget, signal?: AbortSignal): Promise<void> {
  const producer = await bench.targets(raw)[0]!.open(signal)
  producer.closeAfter(t)
}

/** Failing to open: soon, and in words that help. */
export const opening = {
  async address(bench, t) {
    const name = await bench.broker.create()
    const raw = bench.broker.endpoint(name, { host: '127.0.0.1', port: await freePort() })
    await assert.rejects(opens(t, bench, raw), says(/127\.0\.0\.1:\d+.*ECONNREFUSED/))
  },

  async credentials(bench, t) {
    const name = await bench.broker.create()
    const wrong = { username: 'sluice-nobody', password: 'wrong' }
    const raw = withConnection(bench.broker.endpoint(name), wrong)
    await assert.rejects(opens(t, bench, raw), says(/credentials.*sluice-nobody/))
  },

  async silent(bench, t) {
    const name = await bench.broker.create()
    const raw = limited(bench, bench.broker.endpoint(name, await silentPort(t)), '300ms')
    await assert.rejects(
      within(5_000, 'THE SUITE', opens(t, bench, raw)),
      says(/^(?!THE SUITE).*127\.0\.0\.1:\d+/),
    )
  },

  async abort(bench, t) {
    const name = await bench.broker.create()
    const raw = bench.broker.endpoint(name, await silentPort(t))
    const abort = new AbortController()
    const opening = opens(t, bench, raw, abort.signal)
    const reason = new Error('enough')
    abort.abort(reason)
    await assert.rejects(within(2_000, 'opening after the abort', opening), reason)
  },

  async missing(bench, t) {
    const name = bench.broker.missing!
    const target = bench.targets(bench.broker.endpoint(name))[0]!
    const sending = async () => {
      const producer = (await target.open()).closeAfter(t)
      await producer.send(name, 'nobody')
    }
    await assert.rejects(within(10_000, 'THE SUITE', sending()), error => {
      assert.ok(!(error instanceof MessageRefused), `MessageRefused: ${error}`)
      says(new RegExp(`^(?!THE SUITE).*${escaped(name)}`))(error)
      return true
    })
  },

  async check(bench, t) {
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    for (let i = 0; i < 3; i++) await producer.sink.check(AbortSignal.timeout(5_000))
    await producer.send(name, 'after')
    assert.deepEqual(await readBack(t, bench, name), ['after'])
    if (!bench.broker.templated) return
    const chosen = await opened(t, bench, bench.broker.templated())
    await chosen.sink.check(AbortSignal.timeout(5_000))
  },

  async checkGone(bench, t) {
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    await producer.send(name, 'first')
    await bench.broker.remove!(name)
    await assert.rejects(
      within(10_000, 'THE SUITE', producer.sink.check(AbortSignal.timeout(9_000))),
      error => {
        assert.ok(error instanceof SinkUnavailable || error instanceof LinkLost, `${error}`)
        return says(new RegExp(`^(?!THE SUITE).*${escaped(name)}`))(error)
      },
    )
  },

  async trial(bench, t) {
    const name = await bench.broker.create()
    for (const raw of [bench.broker.endpoint(name), bench.broker.templated?.()]) {
      if (!raw) continue
      const { sink } = (await bench.targets(raw)[0]!.open(undefined, true)).closeAfter(t)
      await sink.check(AbortSignal.timeout(5_000))
      await within(5_000, 'closing', sink.close())
      assert.equal(await sink.closed, undefined)
    }
    assert.deepEqual(await readBack(t, bench, name), [])
  },
} satisfies Partial<SinkPromises>

const escaped = (name: string): string => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
