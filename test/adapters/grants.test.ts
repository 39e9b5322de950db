import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Grants } from '../../src/adapters/shared/grants.ts'
import type { Delivery } from '../../src/core/delivery.ts'

const delivery: Delivery = {
  message: { address: '', body: { kind: 'none' }, properties: {}, headers: {} },
  size: 1,
  lost: new AbortController().signal,
  settle: async () => {},
}

test('a delivery that waited for a grant says since when its broker counts it as held', t => {
  const handed: Delivery[] = []
  const grants = new Grants(d => handed.push(d))
  grants.grant(1, 100)
  grants.offer(delivery)
  assert.equal(handed[0]!.heldSince, undefined)
  t.mock.method(performance, 'now', () => 1_000)
  grants.offer(delivery)
  t.mock.method(performance, 'now', () => 61_000)
  grants.grant(1, 100)
  assert.equal(handed[1]!.heldSince, 1_000)
})
