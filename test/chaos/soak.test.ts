import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSoak } from '../../chaos/soak.ts'
import { describeOnBroker } from '../support/brokers.ts'

/** Cut short, since time is scarce here; `npm run chaos -- --scenario soak --minutes 60` is the whole. */
await describeOnBroker('rabbitmq4', 'the bridge under load for a minute', () => {
  test('keeps its memory and its open files', { timeout: 300_000 }, async t => {
    const { wrongs, sent, rss, rssAnHour, files } = await runSoak({ seed: 0, milliseconds: 60_000 })
    t.diagnostic(
      `${sent} messages, RSS ${rss}, ${Math.round(rssAnHour / 2 ** 20)} MiB an hour, files ${files}`,
    )
    assert.deepEqual(wrongs, [])
    assert.ok(sent > 1_000, `${sent} sent`)
  })
})
