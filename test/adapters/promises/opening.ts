import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import type { Promises } from '../conformance.ts'
import { open, withConnection } from './bench.ts'
import { freePort, says, silentPort } from './expect.ts'

/** Failing to open: soon, and in words that help. */
export const opening = {
  async address(bench) {
    const name = await bench.broker.create()
    const raw = bench.broker.endpoint(name, { host: '127.0.0.1', port: await freePort() })
    await assert.rejects(open(bench, name, raw), says(/127\.0\.0\.1:\d+.*ECONNREFUSED/))
  },

  async credentials(bench) {
    const name = await bench.broker.create()
    const wrong = { username: 'sluice-nobody', password: 'wrong' }
    const raw = withConnection(bench.broker.endpoint(name), wrong)
    await assert.rejects(open(bench, name, raw), says(/credentials.*sluice-nobody/))
  },

  async missing(bench) {
    const name = 'sluice-there-is-no-such-place'
    await assert.rejects(open(bench, name), says(new RegExp(name)))
  },

  async silent(bench, t) {
    const name = await bench.broker.create()
    const endpoint = bench.broker.endpoint(name, await silentPort(t))
    const raw =
      bench.broker.limited?.(endpoint, '300ms') ?? withConnection(endpoint, { connect_timeout: '300ms' })
    await assert.rejects(
      within(5_000, 'THE SUITE', open(bench, name, raw)),
      says(/^(?!THE SUITE).*127\.0\.0\.1:\d+/),
    )
  },

  async abort(bench, t) {
    const name = await bench.broker.create()
    const raw = bench.broker.endpoint(name, await silentPort(t))
    const abort = new AbortController()
    const opening = open(bench, name, raw, abort.signal)
    const reason = new Error('enough')
    abort.abort(reason)
    await assert.rejects(within(2_000, 'opening after the abort', opening), reason)
  },
} satisfies Partial<Promises>
