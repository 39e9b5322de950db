import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runScenario } from '../../chaos/scenario.ts'
import { scenarios } from '../../chaos/scenarios.ts'
import { type BrokerName, describeOnBroker } from '../support/brokers.ts'
import { seed } from '../support/seed.ts'

/** A short cut of `npm run chaos`, whose results are in docs/reliability.md: how many milliseconds of which scenarios. */
const cut: readonly (readonly [BrokerName, string, number])[] = [
  ['rabbitmq4', 'mixed-to-fifo', 15_000],
  ['rabbitmq4', 'kill-from-sqs', 8_000],
  ['mosquitto', 'restart-mosquitto', 15_000],
  ['artemis', 'kill-between', 8_000],
]

for (const [broker, name, milliseconds] of cut) {
  await describeOnBroker(broker, `the bridge through faults: ${name}`, () => {
    test(`loses nothing and keeps its promises (seed ${seed})`, { timeout: 300_000 }, async t => {
      const scenario = scenarios.find(s => s.name === name)!
      const result = await runScenario(scenario, { seed, milliseconds }, line => t.diagnostic(line))
      t.diagnostic(`sent ${result.sent}, duplicates ${result.duplicates}`)
      assert.deepEqual(result.wrongs, [])
      assert.equal(result.lost, 0)
      assert.ok(result.sent > 100, `${result.sent} sent`)
      assert.ok(Object.keys(result.faults).length > 0, 'there was no fault')
    })
  })
}
