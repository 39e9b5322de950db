import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { restored } from '../../src/adapters/shared/carriage/restore.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { anyMessage, anyText } from '../support/any-message.ts'
import { apart, headersIn, message, overAmqp, overMqtt, textIn } from './cloudevents-ends.ts'

/** Strings as the specification has them. */
const anyString = anyText.filter(t => t !== '' && !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(t))
const required = fc.record({ id: anyString, source: anyString, type: anyString })

const anyName = fc
  .stringMatching(/^[a-z][a-z0-9]{0,24}$/)
  .filter(n => !/^(id|source|type|specversion|data|datacontenttype|trace.*)$/.test(n))

/** Values that are the same in every form: JSON has Boolean, Integer and String. */
const anyAttribute: fc.Arbitrary<Value> = fc.oneof(
  anyString.map(text),
  fc.boolean().map((value): Value => ({ type: 'bool', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Value => ({ type: 'int64', value })),
)

/** JSON text with what `JSON.parse` would lose. */
const anyJson = fc.oneof(
  fc.json(),
  fc.bigInt().map(String),
  fc.bigInt().map(n => `{"n":${n},"n":[${n}.50, "\\ud83e"]}`),
)
const anyData = fc.oneof(
  anyJson.map(json => ({ contentType: 'application/json', body: { kind: 'text', text: json } }) as const),
  fc
    .string({ unit: 'binary' })
    .filter(t => t.isWellFormed())
    .map(t => ({ contentType: 'text/plain', body: { kind: 'text', text: t } }) as const),
  fc
    .uint8Array()
    .map(
      bytes => ({ contentType: 'image/png', body: { kind: 'bytes', bytes: Buffer.from(bytes) } }) as const,
    ),
  fc
    .uint8Array()
    .map(bytes => ({ contentType: undefined, body: { kind: 'bytes', bytes: Buffer.from(bytes) } }) as const),
)

/** An event as sources hand it over. */
const anyEvent: fc.Arbitrary<Message> = fc
  .tuple(required, fc.dictionary(anyName, anyAttribute, { maxKeys: 5, noNullPrototype: true }), anyData)
  .map(([must, may, { contentType, body }]) =>
    message({
      headers: Object.fromEntries([
        ['cloudEvents_specversion', text('1.0')],
        ...Object.entries(must).map(([name, value]) => [`cloudEvents_${name}`, text(value)] as const),
        ...Object.entries(may).map(([name, value]) => [`cloudEvents_${name}`, value] as const),
      ]),
      properties: { ...(contentType !== undefined && { contentType }) },
      body,
    }),
  )

const octets = ({ body }: Message): string =>
  body.kind === 'text'
    ? Buffer.from(body.text).toString('hex')
    : Buffer.from((body as { bytes: Uint8Array }).bytes).toString('hex')

/** What an event is, whatever carries it. */
const whole = (event: Message): unknown => ({
  headers: headersIn(event),
  contentType: event.properties.contentType,
  data: octets(event),
})

const hops: readonly (readonly [name: string, hop: (m: Message) => Message])[] = [
  ['AMQP 1.0 binary', m => overAmqp(m, { mode: 'binary' })],
  ['AMQP 1.0 structured', m => overAmqp(m)],
  ['MQTT 5 binary', m => restored(overMqtt(m, { mode: 'binary' })).message],
  ['MQTT 5 structured', m => restored(overMqtt(m)).message],
]

describe('CloudEvents: any event', () => {
  for (const [first, there] of hops) {
    it(`comes back as it was over ${first}`, () => {
      fc.assert(fc.property(anyEvent, event => assert.deepEqual(whole(apart(there(event))), whole(event))))
    })

    for (const [second, further] of hops) {
      it(`is the same event over ${first} and then ${second}, and nobody reads it on the way`, () => {
        fc.assert(
          fc.property(anyEvent, event => assert.deepEqual(whole(apart(further(there(event)))), whole(event))),
          { numRuns: 50 },
        )
      })
    }
  }

  it('over MQTT 3.1.1', () => {
    fc.assert(
      fc.property(anyEvent, event => {
        const back = apart(overMqtt(event, {}, '3.1.1'), true)
        assert.deepEqual(whole(back), whole(event))
      }),
    )
  })
})

describe('CloudEvents: any message', () => {
  it('becomes an event, or is refused in a sentence; its headers are in the event or beside it', () => {
    fc.assert(
      fc.property(anyMessage, fc.constantFrom('structured', 'binary'), (any, mode) => {
        const headers = Object.fromEntries(
          Object.entries(any.headers).filter(([name]) => name.isWellFormed() && name !== 'sluice_properties'),
        )
        const { contentEncoding: _, ...properties } = any.properties
        const sent = message({ ...any, headers, properties })
        let taken: Message
        try {
          taken = apart(overAmqp(sent, { mode, type: 'com.example.any' }))
        } catch (error) {
          assert.ok(error instanceof MessageRefused, String(error))
          return
        }
        assert.equal(taken.headers.cloudEvents_specversion?.type, 'string')
        for (const name of Object.keys(headers)) {
          assert.ok(
            Object.hasOwn(taken.headers, name) || Object.hasOwn(taken.headers, `cloudEvents_${name}`),
            `${name} is lost`,
          )
        }
        if (sent.body.kind === 'text' && mode === 'structured' && sent.properties.contentType === undefined) {
          assert.equal(textIn(taken), sent.body.text)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('that is anything at all never crashes a source', () => {
    fc.assert(
      fc.property(anyMessage, fc.boolean(), fc.boolean(), (any, implied, says) => {
        const properties = says
          ? { ...any.properties, contentType: 'application/cloudevents+json' }
          : any.properties
        try {
          apart({ ...any, properties }, implied)
        } catch (error) {
          assert.ok(error instanceof MessageRefused, String(error))
        }
      }),
    )
  })
})
