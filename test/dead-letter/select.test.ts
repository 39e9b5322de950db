import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Pace } from '../../src/dead-letter/pace.ts'
import { parseTime, type Selection, selecting } from '../../src/dead-letter/select.ts'
import { Tally } from '../../src/dead-letter/tally.ts'
import { letterOf } from '../bridge/letter-places.ts'

const noon = Date.parse('2026-11-25T12:00:00Z')

describe('which dead letters are meant', () => {
  const letter = letterOf('x', { diedAt: noon, reason: 'the header "a*b" is too long', target: 'main' })
  const meant = (selection: Selection, id = 'abc123') => selecting(selection)(letter, id)

  it('is by patterns of route, target and reason, by id, and by when they died', () => {
    for (const selection of [
      {},
      { route: 'orders' },
      { route: 'ord*' },
      { target: 'm*n' },
      { reason: 'too long' },
      { reason: '*long' },
      { reason: 'the header*' },
      { id: 'abc' },
      { since: noon, until: noon },
    ] satisfies Selection[]) {
      assert.equal(meant(selection), true, JSON.stringify(selection))
    }
    for (const selection of [
      { route: 'order' },
      { target: '' },
      { reason: 'too short' },
      { reason: 'header*' },
      { id: 'bc1' },
      { since: noon + 1 },
      { until: noon - 1 },
    ] satisfies Selection[]) {
      assert.equal(meant(selection), false, JSON.stringify(selection))
    }
  })

  it('takes times in ISO 8601 and durations back from now, and nothing else', () => {
    assert.equal(parseTime('2h', noon), noon - 7_200_000)
    assert.equal(parseTime('2026-11-25T12:00Z', 0), noon)
    assert.equal(parseTime('2026-11-25', 0), noon - 43_200_000)
    for (const written of ['yesterday', '2', '', '2026-11-25T12:00', '2026-13-01']) {
      assert.equal(parseTime(written, noon), undefined, written)
    }
  })
})

describe('the pace', () => {
  it('lets so many a second pass, and does not make up for a rest', async () => {
    const pace = new Pace(50)
    const { signal } = new AbortController()
    const began = performance.now()
    for (let i = 0; i < 6; i++) await pace.turn(signal)
    assert.ok(performance.now() - began >= 95, `${performance.now() - began} ms`)
    const ending = AbortSignal.abort()
    await new Pace(0.001).turn(ending)
  })
})

describe('the summary', () => {
  it('counts, and says each reason once', () => {
    const tally = new Tally()
    assert.equal(tally.text('redriven'), '0 redriven')
    tally.done = 3
    tally.refused = 2
    tally.because('main: bad')
    tally.because('main: bad')
    assert.equal(tally.isClean, false)
    assert.equal(tally.text('redriven'), '3 redriven, 2 refused and left where they are\n  2 × main: bad')
  })
})
