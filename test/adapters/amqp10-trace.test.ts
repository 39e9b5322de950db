import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Typed } from 'rhea'
import { decode } from '../../src/adapters/amqp10/codec.ts'
import type { Headers } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { types, Writer } from './amqp10-client.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const binary = Buffer.from(`0000${'0af7651916cd43dd8448eb211c80319c'}01${'b7ad6b7169203331'}0201`, 'hex')
const other = traceparent.replace('b7ad', 'c0de')

function section(code: number, content: Typed): Buffer {
  const writer = new Writer()
  writer.write(types.described(types.wrap_ulong(code), content))
  return Buffer.from(writer.toBuffer())
}

function headersOf(headers: Record<string, unknown>, annotations?: Record<string, unknown>): Headers {
  const sections = [
    ...(annotations ? [section(0x72, types.wrap_symbolic_map(annotations))] : []),
    section(0x74, types.wrap_map(headers)),
  ]
  return decode(Buffer.concat(sections), 'q', 0).message.headers
}

describe('AMQP 1.0: the trace of a message', () => {
  test('is a text header, whether it is text, the bytes of the text or the binary format of W3C', () => {
    for (const written of [
      traceparent,
      types.wrap_binary(Buffer.from(traceparent)),
      types.wrap_binary(binary),
    ])
      assert.deepEqual(headersOf({ traceparent: written, tracestate: 'a=b' }), {
        traceparent: text(traceparent),
        tracestate: text('a=b'),
      })
  })

  test('of the annotations goes before that of the sender, field by field', () => {
    const said = { traceparent, tracestate: 'a=b', n: types.wrap_int(1) }
    const n = { type: 'int32', value: 1 } as const
    assert.deepEqual(headersOf(said, { traceparent: types.wrap_binary(Buffer.from(other)) }), {
      traceparent: text(other),
      tracestate: text('a=b'),
      n,
    })
    assert.deepEqual(headersOf(said, { traceparent: other, tracestate: 'c=d' }), {
      traceparent: text(other),
      tracestate: text('c=d'),
      n,
    })
    assert.deepEqual(headersOf({}, { traceparent: other }), { traceparent: text(other) })
  })

  test('that cannot be read stays what it is', () => {
    for (const odd of [Buffer.alloc(0), Buffer.alloc(29, 9), Buffer.from(`${traceparent}\n`)]) {
      const { traceparent: kept } = headersOf({ traceparent: types.wrap_binary(odd) })
      assert.deepEqual(kept, { type: 'bytes', value: odd })
      assert.deepEqual(headersOf({ traceparent }, { traceparent: types.wrap_binary(odd) }), {
        traceparent: text(traceparent),
      })
    }
  })
})
