import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSoak } from '../../chaos/soak.ts'
import { describeOnBroker } from '../support/brokers.ts'

/** Cut short; `npm run chaos -- --scenario soak --minutes 60` is the whole. */
await describeOnBroker('rabbitmq4', 'the bridge under load for five minutes', () => {
  test('keeps its memory and its open files', { timeout: 500_000 }, async t => {
    const { wrongs, sent, rss, rssAnHour, files } = await runSoak({ seed: 0, milliseconds: 300_000 })
    t.diagnostic(
      `${sent} messages, RSS ${rss}, ${Math.round(rssAnHour / 2 ** 20)} MiB an hour, files ${files}`,
    )
    assert.deepEqual(wrongs, [])
    assert.ok(sent > 10_000, `${sent} sent`)
  })
})
