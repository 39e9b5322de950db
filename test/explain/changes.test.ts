import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partsOf } from '../../src/explain/changes.ts'

test('a time that is beyond every calendar is shown as the number that it is', () => {
  const properties = { expiresAt: 2 ** 63, createdAt: 0 }
  const parts = partsOf({ address: 'q', body: { kind: 'none' }, properties, headers: {} })
  assert.equal(parts.get('properties.expires_at'), '9223372036854776000')
  assert.equal(parts.get('properties.created_at'), '1970-01-01T00:00:00.000Z')
})
