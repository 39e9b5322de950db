import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { decode } from '../../src/adapters/sqs/codec.ts'
import { sqs } from '../../src/adapters/sqs/index.ts'
import { awsTrace, withTrace } from '../../src/adapters/sqs/trace.ts'
import type { Headers, Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'

const traceparent = '00-6a1563a2c0ffee00c0ffee00c0ffee00-00f067aa0ba902b7-01'
const xray = 'Root=1-6a1563a2-c0ffee00c0ffee00c0ffee00;Parent=00f067aa0ba902b7;Sampled=1'
const message = (headers: Headers): Message => ({
  address: 'a',
  body: { kind: 'text', text: 'x' },
  properties: {},
  headers,
})
const at = (options: object, connection: object = {}) => ({
  connection,
  connectionName: 'c',
  route: 'r',
  options: sqs.sink!.options.parse({ queue: 'q', ...options }),
})
const limits = { maxMessageSize: 1_048_576 }

describe('sqs: AWSTraceHeader', () => {
  test('is written where it is asked for, beside the header, and its bytes do not count', () => {
    const m = message({ traceparent: text(traceparent) })
    const without = sqs.sink!.prepare(at({}), limits, m)
    const prepared = sqs.sink!.prepare(at({ trace_header: true }), limits, m)
    assert.equal('MessageSystemAttributes' in without.entry, false)
    assert.deepEqual(prepared.entry.MessageSystemAttributes, {
      AWSTraceHeader: { DataType: 'String', StringValue: xray },
    })
    assert.deepEqual(prepared.entry.MessageAttributes, without.entry.MessageAttributes)
    assert.equal(prepared.size, without.size)
  })

  test('says what is sampled, and takes a later version of traceparent', () => {
    const written = (traceparent: string) =>
      awsTrace({ traceparent: text(traceparent) })?.AWSTraceHeader.StringValue
    assert.equal(written(traceparent.replace(/01$/, '00')), xray.replace('Sampled=1', 'Sampled=0'))
    assert.equal(written(traceparent.replace(/01$/, '03')), xray)
    assert.equal(written(`${traceparent.replace(/^00/, 'cc')}-more`), xray)
  })

  test('is left out for what is no traceparent', () => {
    for (const wrong of [
      '',
      'x',
      traceparent.toUpperCase(),
      traceparent.replace(/^00/, 'ff'),
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      traceparent.replace('00f067aa0ba902b7', '0'.repeat(16)),
      `${traceparent}x`,
    ]) {
      assert.equal(awsTrace({ traceparent: text(wrong) }), undefined, wrong)
    }
    assert.equal(awsTrace({}), undefined)
    assert.equal(awsTrace({ traceparent: { type: 'bytes', value: Buffer.from(traceparent) } }), undefined)
  })

  test('gives a traceparent to a message that has none, where the source is asked to', () => {
    const read = (options: object, MessageAttributes = {}) =>
      decode(
        { Body: 'x', Attributes: { AWSTraceHeader: xray }, MessageAttributes },
        sqs.source!.options.parse({ queue: 'q', ...options }),
      ).message
    assert.deepEqual(read({}).headers, {})
    assert.deepEqual(read({}).annotations, { AWSTraceHeader: text(xray) })
    assert.deepEqual(read({ trace_header: true }).headers, { traceparent: text(traceparent) })
    const own = { traceparent: { DataType: 'String', StringValue: 'mine' } }
    assert.deepEqual(read({ trace_header: true }, own).headers, { traceparent: text('mine') })
  })

  test('is read as X-Ray writes it, and is none without a segment to go on from', () => {
    const read = (header: string | undefined) => withTrace({}, header)
    assert.deepEqual(read(`Self=1-2-3; Sampled=0 ;${xray.replace(';Sampled=1', '')};Lineage=a:1`), {
      traceparent: text(traceparent.replace(/01$/, '00')),
    })
    for (const wrong of [
      undefined,
      '',
      'x',
      ';;',
      'Root=1-1-1',
      xray.replace(/Parent=\w+;/, ''),
      'Parent=00f067aa0ba902b7',
    ])
      assert.deepEqual(read(wrong), {}, wrong)
  })

  test('is sent', async t => {
    const batches: string[] = []
    const server = createServer(async (request, response) => {
      const body = String(await buffer(request))
      const { port } = server.address() as AddressInfo
      const queue = { QueueUrl: `http://127.0.0.1:${port}/000000000000/q`, Attributes: {} }
      if (!String(request.headers['x-amz-target']).endsWith('SendMessageBatch'))
        return response.end(JSON.stringify(queue))
      batches.push(body)
      response.end(
        JSON.stringify({ Successful: JSON.parse(body).Entries.map(({ Id }: { Id: string }) => ({ Id })) }),
      )
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.after(() => server.close().closeAllConnections())
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const keys = { region: 'eu-west-1', endpoint, access_key_id: 'a', secret_access_key: 'b' }
    const to = at({ trace_header: true }, sqs.connection.parse(keys))
    const { signal } = new AbortController()
    const sink = await sqs.sink!.open(to as never, { signal, report: () => {} })
    t.after(() => sink.close())
    const binary = { raw: { type: 'bytes', value: Buffer.from([0, 255]) } } as const
    for (const more of [{}, binary]) {
      const m = message({ traceparent: text(traceparent), ...more })
      await sink.send(sqs.sink!.prepare(to as never, sink.limits, m), signal)
    }
    assert.equal(batches.length, 2)
    for (const batch of batches) {
      assert.deepEqual(JSON.parse(batch).Entries[0].MessageSystemAttributes, {
        AWSTraceHeader: { DataType: 'String', StringValue: xray },
      })
    }
  })
})
