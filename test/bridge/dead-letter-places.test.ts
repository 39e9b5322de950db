import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { configFile, deadLetter, letterOf, placeCases, store } from './letter-places.ts'
import { suiteAws } from './setting.ts'

let aws: TestAws
let names = 0

const letters = [
  letterOf('a'),
  letterOf('b', { target: 'other' }),
  letterOf('c'),
  letterOf('d', { reason: 'another reason, Straße' }),
  letterOf('e', { attempts: 5 }),
]

const expected = [
  'orders main 1 another reason, Straße',
  'orders main 1 the tenant is not known',
  'orders main 1 the tenant is not known',
  'orders main 5 the tenant is not known',
  'orders other 1 the tenant is not known',
]

const missing = new Set<string>()
for (const { broker } of placeCases) {
  if (broker && !(await findBroker(broker))) missing.add(broker)
}

/** Most of the time is waiting for what does not come. */
describe('sluice dead-letter', { concurrency: 4 }, () => {
  suiteAws(started => {
    aws = started
  })
  for (const { title, broker, open } of placeCases) {
    const skip = broker !== undefined && missing.has(broker) && process.env.SLUICE_REQUIRE_BROKERS !== '1'
    test(`lists, redrives and deletes what lies in ${title}, and leaves what is not meant`, {
      skip,
      timeout: 120_000,
    }, async t => {
      const place = await open(t, aws)
      const queue = `carried-${++names}.fifo`
      const url = await aws.createQueue(queue)
      const target = { connection: 'cloud', queue }
      const { file } = configFile(t, place, aws, { targets: { main: target, other: target } })
      await store(file, letters)
      await place.spoil()
      const left = (count: number) =>
        until(async () => (await place.left()) === count, { what: `${count} to be left in ${title}` })
      await left(6)

      const listed = await deadLetter(t, 'list', file, '--json')
      const found = listed.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
      assert.deepEqual(found.map(f => `${f.route} ${f.target} ${f.attempts} ${f.reason}`).sort(), expected)
      assert.match(listed.err, /left alone: it is no whole record of a dead letter/)
      assert.equal(listed.code, 1)
      await left(6)

      const redriven = await deadLetter(t, 'redrive', file, '--reason', 'tenant', '--target', 'main')
      assert.match(redriven.out, /^3 redriven\n$/, redriven.err)
      assert.equal(redriven.code, 1)
      await left(3)
      const carried = await aws.drainQueue(url, { expect: 3 })
      assert.deepEqual(
        carried.map(m => [m.Body, m.Attributes?.MessageDeduplicationId]).sort(),
        ['a', 'c', 'e'].map(body => [body, `delivery-${body}`]),
      )
      const { id } = found.find(f => f.target === 'other')
      const discarded = await deadLetter(t, 'discard', file, '--yes', '--id', id)
      assert.match(discarded.out, /^1 deleted\n$/, discarded.err)
      await left(2)
    })
  }
})
