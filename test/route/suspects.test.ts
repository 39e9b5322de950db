import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Attempts } from '../../src/route/attempts.ts'
import { diedOfIt, isGuilty, isTest } from '../../src/route/suspects.ts'
import { message } from './route-on-memory.ts'

const delivery = (body: string, id?: string) => ({
  message: message(body),
  ...(id !== undefined && { id }),
  size: 1,
  lost: new AbortController().signal,
  settle: async () => {},
})

describe('a message with which a link died', () => {
  it('did it where the link had lived ten times longer without it', () => {
    assert.equal(diedOfIt({ age: 1_000, took: 100 }), true)
    assert.equal(diedOfIt({ age: 999, took: 100 }), false)
    assert.equal(diedOfIt({ age: 0, took: 2_000 }), false)
  })

  it('is tested at every other try from the second death in a row', () => {
    const tests = [0, 1, 2, 3, 4, 5, 6].filter(deaths => isTest({ deaths, own: 0, unexpected: 0, took: 1 }))
    assert.deepEqual(tests, [2, 4, 6])
  })

  it('is neither tested nor found where it was there for longer than a second: a link cut every 10.5 s fails no test', () => {
    assert.equal(isTest({ deaths: 2, own: 0, unexpected: 0, took: 1_000 }), true)
    assert.equal(isTest({ deaths: 2, own: 0, unexpected: 0, took: 1_001 }), false)
    assert.equal(diedOfIt({ age: 3_600_000, took: 1_001 }), false)
  })

  it('is guilty after three tests and as many deaths as there may be attempts', () => {
    assert.deepEqual([isGuilty(7, 3, 5), isGuilty(70, 2, 5), isGuilty(7, 3, 8)], [true, false, false])
  })
})

describe('the attempts at messages', () => {
  it('are known again by the id of the broker, or by the content where it gives none', () => {
    const attempts = new Attempts('c')
    const link = {}
    for (const id of ['1', undefined]) {
      attempts.died(delivery('a', id), {}, 5, false)
      assert.equal(attempts.died(delivery('a', id), {}, 5, true).deaths, 2)
      assert.equal(attempts.of(delivery('a', id))?.own, 1)
      assert.equal(attempts.of(delivery('b', id)), undefined)
    }
    assert.equal(attempts.of(delivery('a', '2')), undefined)
    attempts.forget(delivery('a'))
    assert.deepEqual(
      [attempts.of(delivery('a'))?.deaths, attempts.of(delivery('a', '1'))?.deaths],
      [undefined, 2],
    )
    // Equal ones that were on their way at a time die once.
    attempts.died(delivery('equal'), link, 5, false)
    assert.equal(attempts.died(delivery('equal'), link, 5, false).deaths, 1)
  })

  it('are bounded: the oldest are forgotten', () => {
    const attempts = new Attempts('c')
    for (let i = 0; i < 10_001; i++) attempts.keep(delivery('x', `${i}`), 1)
    assert.equal(attempts.of(delivery('x', '0')), undefined)
    assert.equal(attempts.of(delivery('x', '1'))?.unexpected, 1)
  })
})
