import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MessageRefused } from '../../src/core/errors.ts'
import { deadLetterOf, readRecord, recordMessage } from '../../src/route/dead-letter/record.ts'
import { anyMessage } from '../support/any-message.ts'

const about = { route: 'r', target: 't', attempts: 2, deliveryCount: 1, receivedAt: 1, diedAt: 2 }

const written = (body: ReturnType<typeof recordMessage>['body']): string => {
  assert.equal(body.kind, 'text')
  return body.kind === 'text' ? body.text : ''
}

describe('dead-letter record', () => {
  it('restores any message exactly', () => {
    fc.assert(
      fc.property(anyMessage, message => {
        const letter = deadLetterOf({ ...about, message }, new MessageRefused('no'))
        assert.deepEqual(readRecord(written(recordMessage(letter).body)), letter)
      }),
    )
  })

  it('holds only characters that every target takes, whatever is in the message', () => {
    fc.assert(
      fc.property(anyMessage, fc.string({ unit: 'binary' }), (message, reason) => {
        const record = recordMessage(deadLetterOf({ ...about, message }, new MessageRefused(reason)))
        assert.doesNotMatch(written(record.body), /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u)
        for (const header of Object.values(record.headers)) {
          assert.equal(header.type, 'string')
          assert.match(header.type === 'string' ? header.value : '', /^[\x20-\x7e]{1,250}$/)
        }
      }),
    )
  })

  it('refuses a text that is no record', () => {
    assert.throws(() => readRecord('{"form":"other"}'), /not a dead letter/)
  })
})
