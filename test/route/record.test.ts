import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
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
    assert.throws(() => readRecord('[]'), /^Error: expected an object, found \[\]/)
    assert.throws(() => readRecord('hello'), /no JSON, or only the beginning of it/)
  })

  it('refuses every beginning of a record, and never takes it for another one', () => {
    fc.assert(
      fc.property(anyMessage, fc.double({ min: 0, max: 1, noNaN: true }), (message, share) => {
        const json = written(recordMessage(deadLetterOf({ ...about, message }, new Error('no'))).body)
        assert.throws(() => readRecord(json.slice(0, Math.floor(share * (json.length - 1)))))
      }),
    )
  })

  it('refuses a record in which a field is missing, is another than it was, or is one too many, and names it', () => {
    const message: Message = {
      address: 'q',
      body: { kind: 'bytes', bytes: Buffer.from('x') },
      properties: { messageId: { type: 'uint64', value: 5n }, priority: 3 },
      headers: { n: { type: 'int32', value: 5 }, l: { type: 'list', value: [{ type: 'null' }] } },
    }
    const json = written(recordMessage(deadLetterOf({ ...about, message }, new MessageRefused('no'))).body)
    const cases: readonly [string, string, RegExp][] = [
      ['"attempts":2,', '', /attempts: expected a number, found nothing/],
      ['"diedAt":2', '"diedAt":"2"', /diedAt: expected a time, found "2"/],
      ['"diedAt":2', '"diedAt":1e300', /diedAt: expected a time, found 1e\+300/],
      ['"receivedAt":1', '"receivedAt":-1e17', /receivedAt: expected a time, found -1000000/],
      ['"kind":"refused"', '"kind":"eaten"', /kind: expected refused or unexpected, found "eaten"/],
      ['"route":"r"', '"route":"r","later":1', /later: not known here: was it written by a newer version\?/],
      ['"base64":"eA=="', '"base64":"eA"', /message\.body\.base64: expected base64/],
      ['"kind":"bytes"', '"kind":"none"', /message\.body\.base64: not known here/],
      ['"priority":3', '"priority":3,"rank":1', /message\.properties\.rank: not known here/],
      ['"type":"int32","value":5', '"type":"int8","value":500', /message\.headers\.n: no int8/],
      [
        '"type":"int32","value":5',
        '"type":"int31","value":"5"',
        /message\.headers\.n: int31 is no type of a value/,
      ],
      ['"type":"uint64","value":"5"', '"type":"uint64","value":5', /messageId\.value: expected text/],
      ['[{"type":"null"}]', '[null]', /message\.headers\.l: expected an object, found null/],
    ]
    for (const [good, bad, said] of cases) {
      assert.ok(json.includes(good), good)
      assert.throws(() => readRecord(json.replace(good, bad)), said)
    }
  })
})
