import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import type { EntryResult } from '../../src/adapters/shared/aws/calls.ts'
import { judge } from '../../src/adapters/shared/aws/verdict.ts'
import { Visibility } from '../../src/adapters/sqs/visibility.ts'

const ruling = judge({ service: 'SQS', action: 'a', target: 'queue q', where: 'region x' })
const hour = 3_600_000

/** Visibility with a clock of its own: `pass` lets so many milliseconds go by. */
function setUp(t: TestContext, seconds: number, answer: () => EntryResult = () => 'taken') {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let now = 1_000_000
  t.mock.method(performance, 'now', () => now)
  const changes: { readonly at: number; readonly handles: readonly string[]; readonly seconds: number }[] = []
  const began = now
  const visibility = new Visibility(
    seconds,
    async (handles, to) => {
      changes.push({ at: now - began, handles, seconds: to })
      return handles.map(answer)
    },
    ruling,
  )
  t.after(() => visibility.loseAll('the end'))
  const pass = async (milliseconds: number, step = 1_000) => {
    for (let passed = 0; passed < milliseconds; passed += step) {
      now += step
      t.mock.timers.tick(step)
      await visibility.ended()
    }
  }
  return { visibility, changes, pass, now: () => now }
}

describe('sqs: visibility', () => {
  test('is extended at half of the timeout, counted from receipt, by the whole of it', async t => {
    const { visibility, changes, pass } = setUp(t, 30)
    const held = visibility.hold('a')
    await pass(14_000)
    assert.deepEqual(changes, [])
    await pass(1_000)
    assert.deepEqual(changes, [{ at: 15_000, handles: ['a'], seconds: 30 }])
    await pass(15_000)
    assert.deepEqual(changes.slice(1), [{ at: 30_000, handles: ['a'], seconds: 30 }])
    visibility.release(held)
    await pass(60_000)
    assert.equal(changes.length, 2)
    assert.equal(held.lost.signal.aborted, false)
  })

  test('an answer that was long on its way leaves less of the time', async t => {
    const { visibility, changes, pass, now } = setUp(t, 30)
    visibility.hold('late', undefined, now() - 10_000)
    const over = visibility.hold('over', undefined, now() - 31_000)
    await pass(5_000)
    assert.deepEqual(changes, [{ at: 5_000, handles: ['late'], seconds: 30 }])
    assert.match(String(over.lost.signal.reason), /ended before it could be extended/)
  })

  test('ten at a time', async t => {
    const { visibility, changes, pass } = setUp(t, 30)
    for (let i = 0; i < 25; i++) visibility.hold(`h${i}`)
    await pass(15_000)
    assert.deepEqual(
      changes.map(c => c.handles.length),
      [10, 10, 5],
    )
  })

  test('never beyond twelve hours from receipt, and lost at their end', async t => {
    const { visibility, changes, pass } = setUp(t, 600)
    const held = visibility.hold('a')
    await pass(12 * hour - 60_000, 60_000)
    assert.equal(held.lost.signal.aborted, false)
    for (const { at, seconds } of changes)
      assert.ok(at + seconds * 1_000 <= 12 * hour, `${at} + ${seconds} s`)
    const last = changes.at(-1)!
    assert.equal(last.at + last.seconds * 1_000, 12 * hour)
    await pass(60_000)
    assert.match(String(held.lost.signal.reason), /visibility timeout ended/)
  })

  for (const [code, isLost] of [
    ['ReceiptHandleIsInvalid', true],
    ['MessageNotInflight', true],
    ['InvalidParameterValue', true],
    ['RequestThrottled', false],
    ['KMS.ThrottlingException', false],
    ['AccessDenied', false],
  ] as const) {
    test(`${code} as the sender's fault: ${isLost ? 'no longer ours' : 'tried again until its time is over'}`, async t => {
      const { visibility, changes, pass } = setUp(t, 30, () => ({
        code,
        message: 'said so',
        senderFault: true,
      }))
      const held = visibility.hold('a')
      await pass(20_000)
      assert.equal(held.lost.signal.aborted, isLost)
      assert.equal(changes.length > 1, !isLost)
      await pass(10_000)
      assert.equal(held.lost.signal.aborted, true)
    })
  }

  test('of a group, those behind a lost one are lost, those before it and those being deleted are not', t => {
    const { visibility } = setUp(t, 30)
    const [a, b, c, d, other] = ['a', 'b', 'c', 'd', 'other'].map((name, i) =>
      visibility.hold(name, i < 4 ? 'g' : 'h', 1_000_000),
    )
    c!.settling = true
    visibility.lose(b!, 'gone')
    assert.deepEqual(
      [a, b, c, d, other].map(held => held!.lost.signal.aborted),
      [false, true, false, true, false],
    )
  })
})
