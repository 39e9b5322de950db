import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { bodyOf, Ledger } from '../../chaos/ledger.ts'
import { pageOf } from '../../chaos/page.ts'
import { readResults } from '../../chaos/results.ts'
import { scenarios } from '../../chaos/scenarios.ts'
import { planned } from '../../chaos/schedule.ts'
import { slope } from '../../chaos/soak.ts'

const body = (number: number, group = 'g', place = number) => bodyOf({ number, group, place })

describe('the checker', () => {
  test('sees what is lost, what comes twice, what comes out of order and what nobody sent', () => {
    const ledger = new Ledger()
    for (const number of [0, 1, 2, 3, 4]) ledger.confirm(number)
    for (const number of [0, 2, 1, 1, 4]) ledger.arrive(body(number))
    ledger.arrive('hello')
    assert.deepEqual(ledger.account(), { sent: 5, arrived: 4, lost: 1, duplicates: 1, outOfOrder: 1 })
    assert.deepEqual(ledger.missing, [3])
    assert.deepEqual(ledger.unordered, ['g: 1 after 2'])
    assert.deepEqual(ledger.strange, ['hello'])
  })

  test('has an order for each group, and that of first arrivals', () => {
    const ledger = new Ledger()
    for (const [number, group, place] of [
      [0, 'a', 0],
      [9, 'b', 5],
      [1, 'a', 1],
      [0, 'a', 0],
      [2, 'a', 2],
    ] as const)
      ledger.arrive(body(number, group, place))
    assert.deepEqual(ledger.unordered, [])
  })

  test('owes nothing for what was not confirmed, and nothing for what came before its confirmation', () => {
    const ledger = new Ledger()
    ledger.arrive(body(7))
    ledger.confirm(7)
    ledger.arrive(body(8))
    assert.equal(ledger.account().lost, 0)
    assert.equal(ledger.account().sent, 1)
  })

  test('has caught up when what was confirmed until then is there, whatever comes behind it', async () => {
    const ledger = new Ledger()
    for (const number of [1, 2]) ledger.confirm(number)
    let isThere = false
    const caughtUp = ledger.caughtUp().then(() => {
      isThere = true
    })
    ledger.confirm(3)
    ledger.arrive(body(1))
    await new Promise(setImmediate)
    assert.equal(isThere, false)
    ledger.arrive(body(2))
    await caughtUp
  })

  test('waits as long as something new arrives, and no longer', async () => {
    const ledger = new Ledger()
    for (const number of [1, 2, 3]) ledger.confirm(number)
    assert.equal(await ledger.progressing(() => ledger.caughtUp(), 10), false)
    const caughtUp = ledger.progressing(() => ledger.caughtUp(), 200)
    for (const number of [1, 2, 3]) {
      await pause(100)
      ledger.arrive(body(number))
    }
    assert.equal(await caughtUp, true)
  })

  test('does not wait for ever for what is lost while more arrives', async () => {
    const ledger = new Ledger()
    ledger.confirm(0)
    let number = 1
    const more = setInterval(() => ledger.arrive(body(number++)), 5)
    assert.equal(await ledger.progressing(() => ledger.caughtUp(), 1_000, 100), false)
    clearInterval(more)
  })
})

describe('the schedule of faults', () => {
  const first = (seed: number, count = 50) => {
    const { name, lanes } = scenarios.find(s => s.name === 'mixed-to-fifo')!
    return lanes.map(lane => {
      const faults = planned(seed, name, lane)
      return Array.from({ length: count }, () => {
        const { fault, after, lasts, random } = faults.next().value
        return [fault, after, lasts, random.whole(0, 1e9)]
      })
    })
  }

  test('is the same for the same seed and another one for another', () => {
    assert.deepEqual(first(5), first(5))
    assert.notDeepEqual(first(5), first(6))
  })

  test('has each fault before any comes twice', () => {
    const { lanes } = scenarios.find(s => s.name === 'mixed-to-fifo')!
    for (const [i, lane] of first(7).entries()) {
      const round = lane.slice(0, lanes[i]!.faults.length).map(([fault]) => fault)
      assert.deepEqual(round.sort(), [...lanes[i]!.faults].sort())
    }
  })
})

describe('the soak', () => {
  test('sees growth through noise', () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({
      at: i / 10,
      rss: 1e6 * i + (i % 7) * 1e5,
      files: 20,
    }))
    assert.ok(Math.abs(slope(samples, s => s.rss) - 1e7) < 1e5)
    assert.equal(
      slope(samples, s => s.files),
      0,
    )
  })
})

test('docs/reliability.md is what the harness measured', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reliability.md'), 'utf8')
  assert.equal(page, pageOf(readResults()))
})
