import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { deliveryId } from '../../src/route/delivery-id.ts'
import { anyMessage } from '../support/any-message.ts'
import { message } from './route-on-memory.ts'

describe('the name of a delivery', () => {
  it('stays the same when the message is delivered again', () => {
    fc.assert(
      fc.property(anyMessage, m => {
        const again = { ...m, properties: { ...m.properties, expiresAt: 7 }, annotations: {} }
        assert.equal(
          deliveryId('c', { id: 'ID:1', message: m }),
          deliveryId('c', { id: 'ID:1', message: again }),
        )
      }),
    )
  })

  it('differs for two messages that share an id, since applications write ids too', () => {
    const header = { n: { type: 'int32', value: 1 } } as const
    const names = [message('a'), message('b'), message('a', { headers: header })].map(m =>
      deliveryId('c', { id: 'ID:order-7', message: m }),
    )
    assert.equal(new Set(names).size, 3)
  })

  it('differs for each delivery without an id of the broker, equal messages included', () => {
    assert.notEqual(deliveryId('c', { message: message('a') }), deliveryId('c', { message: message('a') }))
  })
})
