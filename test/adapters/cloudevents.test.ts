import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import {
  apart,
  type Events,
  headersIn,
  jsonIn,
  message,
  mqttPacketOf,
  overAmqp,
  overMqtt,
  strings,
  textIn,
} from './cloudevents-ends.ts'

const half = '\ud83e'
const noCharacter = '\u{1ffff}'
const binary: Events = { mode: 'binary' }
const structured = (json: string, contentType = 'application/cloudevents+json'): Message =>
  message({ body: { kind: 'text', text: json }, properties: { contentType } })
const bytesOf = (written: string) => ({ kind: 'bytes', bytes: Buffer.from(written) }) as const
const textOf = (written: string) => ({ kind: 'text', text: written }) as const

function refuses(act: () => unknown, reason: RegExp): void {
  assert.throws(act, error => error instanceof MessageRefused && reason.test(error.message))
}

/** JSON event format 1.0.2, section 3.2, as it stands there; the base64 is ours where the specification leaves it out. */
const common = {
  cloudEvents_specversion: text('1.0'),
  cloudEvents_type: text('com.example.someevent'),
  cloudEvents_source: text('/mycontext'),
}
const more = {
  cloudEvents_time: text('2018-04-05T17:31:00Z'),
  cloudEvents_comexampleextension1: text('value'),
  cloudEvents_comexampleothervalue: { type: 'int64', value: 5n } as Value,
}
const examples: readonly (readonly [
  title: string,
  json: string,
  headers: Record<string, Value>,
  contentType: string | undefined,
  data: string,
])[] = [
  [
    'binary data',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "A234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/vnd.apache.thrift.binary",
    "data_base64" : "AP//AA=="
}`,
    { ...common, cloudEvents_id: text('A234-1234-1234'), ...more },
    'application/vnd.apache.thrift.binary',
    '\0\ufffd\ufffd\0',
  ],
  [
    'XML as a string',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "B234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "unsetextension": null,
    "datacontenttype" : "application/xml",
    "data" : "<much wow=\\"xml\\"/>"
}`,
    { ...common, cloudEvents_id: text('B234-1234-1234'), ...more },
    'application/xml',
    '<much wow="xml"/>',
  ],
  [
    'a JSON object',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/json",
    "data" : {
        "appinfoA" : "abc",
        "appinfoB" : 123,
        "appinfoC" : true
    }
}`,
    { ...common, cloudEvents_id: text('C234-1234-1234'), ...more },
    'application/json',
    `{
        "appinfoA" : "abc",
        "appinfoB" : 123,
        "appinfoC" : true
    }`,
  ],
  [
    'a JSON number',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "C234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "datacontenttype" : "application/json",
    "data" : 1.5
}`,
    { ...common, cloudEvents_id: text('C234-1234-1234'), ...more },
    'application/json',
    '1.5',
  ],
  [
    'a JSON string whose type is implied',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "subject": null,
    "id" : "D234-1234-1234",
    "time" : "2018-04-05T17:31:00Z",
    "comexampleextension1" : "value",
    "comexampleothervalue" : 5,
    "data" : "I'm just a string"
}`,
    { ...common, cloudEvents_id: text('D234-1234-1234'), ...more },
    'application/json',
    '"I\'m just a string"',
  ],
  [
    'base64 without a type, for which none is inferred',
    `{
    "specversion" : "1.0",
    "type" : "com.example.someevent",
    "source" : "/mycontext",
    "id" : "D234-1234-1234",
    "data_base64" : "eyAieHl6IjogMTIzIH0="
}`,
    { ...common, cloudEvents_id: text('D234-1234-1234') },
    undefined,
    '{ "xyz": 123 }',
  ],
]

describe('CloudEvents: the examples of the JSON format', () => {
  for (const [title, json, headers, contentType, data] of examples) {
    it(`${title}, over AMQP 1.0 in binary mode`, () => {
      const sent = overAmqp(structured(json), binary)
      assert.deepEqual(headersIn(sent), headersIn(message({ headers })))
      assert.equal(sent.properties.contentType, contentType)
      assert.equal(sent.body.kind, 'bytes')
      assert.equal(textIn(sent), data)
    })

    it(`${title}, taken apart and put together again`, () => {
      const taken = apart(structured(json))
      assert.deepEqual(headersIn(taken), headersIn(message({ headers })))
      assert.equal(taken.properties.contentType, contentType)
      assert.equal(taken.properties.subject, 'com.example.someevent')
      assert.equal(textIn(taken), data)
      const { unsetextension: _, subject: __, ...expected } = JSON.parse(json)
      const again = jsonIn(overAmqp(taken))
      if (contentType === 'application/json') expected.datacontenttype = contentType
      assert.deepEqual(again, expected)
    })

    it(`${title}, over MQTT 5 in binary mode and back to JSON`, () => {
      const { sluice_properties: _, ...sent } = overMqtt(structured(json), binary).headers
      const type = contentType === undefined ? {} : { datacontenttype: text(contentType) }
      const names = Object.entries({ ...headers, ...type }).map(([name, value]) => [
        name.replace('cloudEvents_', ''),
        text(String(value.type === 'null' ? '' : value.value)),
      ])
      assert.deepEqual(sent, Object.fromEntries(names))
    })

    it(`${title}, is passed on as it stands where it is structured already`, () => {
      const sent = overAmqp(structured(json, 'application/cloudevents+json; charset=utf-8'))
      assert.equal(textIn(sent), json)
      assert.equal(sent.properties.contentType, 'application/cloudevents+json; charset=utf-8')
      assert.equal(textIn(overMqtt(structured(json), {}, '3.1.1')), json)
    })
  }
})

describe('CloudEvents: the examples of the bindings', () => {
  const headers = {
    specversion: '1.0',
    type: 'com.example.someevent',
    time: '2018-04-05T03:56:24Z',
    id: '1234-1234-1234',
    source: '/mycontext/subcontext',
  }
  const contentType = 'application/json; charset=utf-8'
  const data = '{"appinfoA":9007199254740993.10}'
  const json =
    '{"specversion":"1.0","type":"com.example.someevent","time":"2018-04-05T03:56:24Z","id":"1234-1234-1234",' +
    `"source":"/mycontext/subcontext","datacontenttype":"${contentType}","data":${data}}`
  const prefixed = (prefix: string) =>
    message({
      headers: strings(Object.fromEntries(Object.entries(headers).map(([n, v]) => [`${prefix}${n}`, v]))),
      properties: { contentType },
      body: bytesOf(data),
    })
  const plainNames = message({
    headers: strings({ ...headers, datacontenttype: contentType }),
    properties: { contentType },
    body: bytesOf(data),
  })

  for (const [title, came] of [
    ['AMQP 1.0 with a colon', prefixed('cloudEvents:')],
    ['AMQP 1.0 with an underscore', prefixed('cloudEvents_')],
    ['MQTT 5', plainNames],
  ] as const) {
    it(`${title}, binary, becomes structured with all digits`, () => {
      const sent = overAmqp(came)
      assert.equal(textIn(sent), json)
      assert.equal(sent.body.kind, 'bytes')
      assert.deepEqual(headersIn(sent), {})
      assert.equal(sent.properties.contentType, 'application/cloudevents+json')
      const packet = mqttPacketOf(came)
      assert.equal(packet.properties?.contentType, 'application/cloudevents+json')
      assert.equal(packet.payload.toString(), json)
      assert.equal(mqttPacketOf(came, {}, '3.1.1').payload.toString(), json)
    })

    it(`${title}, binary, becomes binary in the other binding`, () => {
      const amqp = overAmqp(came, binary)
      assert.deepEqual(headersIn(amqp), headersIn(prefixed('cloudEvents_')))
      assert.equal(amqp.properties.contentType, contentType)
      assert.deepEqual(amqp.body, bytesOf(data))
      const packet = mqttPacketOf(came, binary)
      const { sluice_properties: _, ...user } = { ...packet.properties?.userProperties }
      assert.deepEqual(user, { ...headers, datacontenttype: contentType })
      assert.equal(packet.properties?.contentType, contentType)
      assert.equal(packet.payload.toString(), data)
    })

    it(`${title}, binary, is taken apart under names that every protocol takes`, () => {
      const taken = apart(came)
      assert.deepEqual(headersIn(taken), headersIn(prefixed('cloudEvents_')))
      assert.deepEqual(taken.body, bytesOf(data))
      assert.equal(taken.properties.contentType, contentType)
    })
  }

  it('reads the native types of AMQP and writes those that every broker carries', () => {
    const came = {
      ...prefixed('cloudEvents_'),
      headers: {
        ...prefixed('cloudEvents_').headers,
        cloudEvents_time: { type: 'timestamp', value: 1_522_900_584_000 },
        cloudEvents_flag: { type: 'bool', value: true },
        cloudEvents_count: { type: 'int32', value: -7 },
        cloudEvents_raw: { type: 'bytes', value: Buffer.from([0, 255]) },
        cloudEvents_unset: { type: 'null' },
      },
    } as Message
    const { time, flag, count, raw, unset } = jsonIn(overAmqp(came))
    assert.deepEqual(
      [time, flag, count, raw, unset],
      ['2018-04-05T03:56:24.000Z', true, -7, 'AP8=', undefined],
    )
    const { headers: written } = overAmqp(came, binary)
    assert.deepEqual(written.cloudEvents_time, text('2018-04-05T03:56:24.000Z'))
    assert.deepEqual(written.cloudEvents_flag, { type: 'bool', value: true })
    assert.deepEqual(written.cloudEvents_count, { type: 'int64', value: -7n })
    assert.equal(written.cloudEvents_raw?.type, 'bytes')
    const user = mqttPacketOf(came, binary).properties?.userProperties
    assert.deepEqual([user?.flag, user?.count, user?.raw], ['true', '-7', 'AP8='])
  })

  it('keeps the subject that a message has, and the trace, where copies of attributes are dropped', () => {
    const copies = { ...plainNames.headers, traceparent: text('00-1-2-01'), other: text('x') }
    const traced = structured(json.replace('"data"', '"traceparent":"00-3-4-01","data"'))
    const properties = { ...traced.properties, subject: 'own' }
    const taken = apart({ ...traced, properties, headers: copies })
    assert.equal(taken.properties.subject, 'own')
    assert.deepEqual(
      Object.keys(taken.headers).filter(n => !n.startsWith('cloudEvents_')),
      ['traceparent', 'other'],
    )
    assert.deepEqual(taken.headers.traceparent, text('00-1-2-01'))
  })

  it('drops the copies of attributes that may stand beside a structured event, and keeps other headers', () => {
    const came = { ...structured(json), headers: { ...prefixed('cloudEvents:').headers, other: text('x') } }
    assert.deepEqual(
      Object.keys(overAmqp(came, binary).headers).filter(n => !n.startsWith('cloudEvents_')),
      ['other'],
    )
    assert.deepEqual(
      Object.keys(apart(came).headers).filter(n => n.includes(':')),
      [],
    )
  })
})

describe('CloudEvents: a message that is none', () => {
  const order = message({
    body: textOf('{"n":9007199254740993}'),
    properties: {
      messageId: text('ID:1'),
      subject: 'com.example.order',
      createdAt: 1_700_000_000_123,
      contentType: 'application/json',
    },
    headers: {
      region: text('eu'),
      qty: { type: 'int16', value: 5 },
      urgent: { type: 'bool', value: true },
      'x-trace': text('beside'),
      price: { type: 'float64', value: 1.5 },
      big: { type: 'int64', value: 2n ** 40n },
      subject: text('a header'),
      veryveryverylongname1: text('21 characters'),
    },
  })

  it('becomes one', () => {
    const sent = overAmqp(order)
    assert.equal(
      textIn(sent),
      '{"specversion":"1.0","id":"ID:1","source":"/sluice/orders/ORDERS","type":"com.example.order","time":"2023-11-14T22:13:20.123Z",' +
        '"region":"eu","qty":5,"urgent":true,"datacontenttype":"application/json","data":{"n":9007199254740993}}',
    )
    const beside = ['x-trace', 'price', 'big', 'subject', 'veryveryverylongname1']
    assert.deepEqual(Object.keys(sent.headers), beside)
    assert.deepEqual(sent.headers.price, order.headers.price)
  })

  it('takes its id from the delivery, its source and type from the configuration', () => {
    const { id, source, type, time } = jsonIn(
      overAmqp(message(), { source: 'https://example.com/a', type: 't' }),
    )
    assert.deepEqual([id, source, type, time], ['delivery-1', 'https://example.com/a', 't', undefined])
    const { source: made } = jsonIn(overAmqp(message({ origin: 'plant/ventil ü/#' }), { type: 't' }))
    assert.equal(made, '/sluice/orders/plant/ventil%20%C3%BC/%23')
    const uint = message({ properties: { messageId: { type: 'uint64', value: 2n ** 63n }, subject: 's' } })
    assert.equal(jsonIn(overAmqp(uint, { type: 't' })).id, '9223372036854775808')
    assert.equal(jsonIn(overAmqp(uint, { type: 't' })).type, 's')
  })

  it('takes attributes from headers with the prefix', () => {
    const headers = strings({
      cloudEvents_subject: 'line-1',
      cloudEvents_type: 'mine',
      cloudEvents_time: 'then',
    })
    const { subject, type, time, id } = jsonIn(overAmqp(message({ headers, properties: { createdAt: 1 } })))
    assert.deepEqual([subject, type, time, id], ['line-1', 'mine', 'then', 'delivery-1'])
  })

  it('is refused without a type, and where it has no id', () => {
    refuses(() => overAmqp(message()), /no subject .*cloudevents: \{ type/)
    refuses(() => overAmqp(message({ properties: { subject: 'a\nb' } })), /no subject/)
    const { deduplicationId: _, ...properties } = message({ properties: { subject: 's' } }).properties
    refuses(() => overAmqp({ ...message(), properties }), /no id/)
  })

  it('is refused where a header would be taken for an attribute', () => {
    refuses(() => overMqtt(order, binary), /the header subject would be taken for an attribute/)
    const headers = { ...order.headers, subject: text('a') }
    refuses(
      () => overMqtt({ ...order, headers: { ...headers, data: text('x') } }, binary),
      /the header (subject|data)/,
    )
    const { subject: _, ...rest } = order.headers
    const user = mqttPacketOf({ ...order, headers: rest }, binary).properties?.userProperties
    assert.deepEqual([user?.id, user?.qty, user?.['x-trace'], user?.price], ['ID:1', '5', 'beside', '1.5'])
  })

  it('has a header that is named data beside it, except where that would be an attribute', () => {
    const event = strings({ specversion: '1.0', id: '1', source: '/s', type: 't', data: 'x' })
    assert.deepEqual(Object.keys(apart(message({ headers: event })).headers).at(-1), 'data')
    const named = message({ headers: { data: text('x') }, properties: { subject: 's' } })
    refuses(() => overMqtt(named, binary), /the header data would be taken for an attribute/)
    assert.deepEqual(headersIn(overAmqp(named)), headersIn(named))
  })

  it('keeps the trace among the headers as well', () => {
    const headers = strings({ traceparent: '00-1-2-01', tracestate: 'a=b' })
    const traced = message({ headers, properties: { subject: 's' } })
    const sent = overAmqp(traced)
    assert.equal(jsonIn(sent).traceparent, '00-1-2-01')
    assert.deepEqual(headersIn(sent), headersIn(traced))
    assert.equal(overAmqp(traced, binary).headers.cloudEvents_tracestate?.type, 'string')
    const user = mqttPacketOf(traced, binary).properties?.userProperties
    assert.equal(user?.traceparent, '00-1-2-01')
    assert.deepEqual(
      Object.keys(apart(overMqtt(traced, binary)).headers).filter(n => n.startsWith('trace')),
      ['traceparent', 'tracestate'],
    )
  })

  it('says of each body what it is', () => {
    const said = (body: Message['body'], contentType?: string) => {
      const properties = { subject: 's', ...(contentType !== undefined && { contentType }) }
      const { datacontenttype, data, data_base64 } = jsonIn(overAmqp(message({ body, properties })))
      return [datacontenttype, data, data_base64]
    }
    assert.deepEqual(said({ kind: 'none' }), [undefined, undefined, undefined])
    assert.deepEqual(said({ kind: 'none' }, 'text/plain'), ['text/plain', undefined, undefined])
    assert.deepEqual(said(textOf('{"a":1}')), ['text/plain', '{"a":1}', undefined])
    assert.deepEqual(said(textOf('{"a":1}'), 'a/b+JSON; x=y'), ['a/b+JSON; x=y', { a: 1 }, undefined])
    assert.deepEqual(said(textOf('{a'), 'text/json'), ['text/json', undefined, 'e2E='])
    assert.deepEqual(said(textOf('\ud83e')), ['text/plain', '\ud83e', undefined])
    assert.deepEqual(said(textOf(`"${half}${noCharacter}"`), 'text/json'), [
      'text/json',
      half + noCharacter,
      undefined,
    ])
    assert.deepEqual(said(bytesOf('{"a":1}')), [undefined, undefined, 'eyJhIjoxfQ=='])
    assert.deepEqual(said(bytesOf('{"a":1}'), 'application/json'), ['application/json', { a: 1 }, undefined])
    assert.deepEqual(said(bytesOf('<a/>'), 'application/xml'), ['application/xml', '<a/>', undefined])
    assert.deepEqual(said(bytesOf('x'), 'text/plain; charset=ibm037'), [
      'text/plain; charset=ibm037',
      undefined,
      'eA==',
    ])
    assert.deepEqual(said(bytesOf('x'), 'image/png'), ['image/png', undefined, 'eA=='])
    const map: Message['body'] = { kind: 'map', entries: [[text('n'), { type: 'int64', value: 2n ** 60n }]] }
    assert.match(
      textIn(overAmqp(message({ body: map, properties: { subject: 's' } }))),
      /"datacontenttype":"application\/json","data":\{"n":1152921504606846976\}\}$/,
    )
    refuses(() => said(map, 'text/plain'), /the body is a map.*text\/plain/)
    const object: Message['body'] = { kind: 'object', bytes: Buffer.from('x') }
    assert.deepEqual(said(object, 'application/x-java-serialized-object')[2], 'eA==')
  })

  it('is not sent as structured JSON where its body is compressed', () => {
    const zipped = (contentEncoding: string) =>
      message({ body: bytesOf('x'), properties: { subject: 's', contentEncoding } })
    refuses(() => overAmqp(zipped('gzip')), /content encoding gzip/)
    assert.equal(overAmqp(zipped('gzip'), binary).properties.contentEncoding, 'gzip')
    assert.equal(jsonIn(overAmqp(zipped('UTF-8'))).data_base64, 'eA==')
  })
})

describe('CloudEvents: what is malformed', () => {
  const least = '"specversion":"1.0","id":"1","source":"/s","type":"t"'
  const cases: readonly (readonly [json: string, reason: RegExp])[] = [
    ['no JSON', /no JSON object/],
    ['[]', /no JSON object/],
    ['null', /no JSON object/],
    [`{${least},"id":"2"}`, /id stands there twice/],
    ['{"specversion":"1.0","source":"/s","type":"t"}', /it has no id/],
    ['{"specversion":"1.0","id":"1","source":null,"type":"t"}', /it has no source/],
    ['{"specversion":"1.0","id":"1","source":"/s","type":""}', /its type is no text/],
    ['{"specversion":"1.0","id":5,"source":"/s","type":"t"}', /its id is no text/],
    ['{"specversion":"0.3","id":"5","source":"/s","type":"t"}', /version "0.3"/],
    [`{${least},"my_ext":"x"}`, /"my_ext" is no name/],
    [`{${least},"ext":1.5}`, /its ext is 1.5/],
    [`{${least},"ext":9223372036854775808}`, /its ext is 9223372036854775808/],
    [`{${least},"ext":{"a":1}}`, /its ext is \{"a":1\}/],
    [`{${least},"data":1,"data_base64":"AA=="}`, /both data and data_base64/],
    [`{${least},"data_base64":"?"}`, /no base64/],
    [`{${least},"data_base64":5}`, /no base64/],
    [`{${least},"datacontenttype":"text/xml","data":{"a":1}}`, /its data is text\/xml/],
  ]
  for (const [json, reason] of cases) {
    it(`${json} is refused by sinks and a fault at sources`, () => {
      refuses(() => overAmqp(structured(json), binary), reason)
      refuses(() => overMqtt(structured(json)), reason)
      refuses(() => apart(structured(json)), reason)
      refuses(() => apart(message({ body: bytesOf(json) }), true), reason)
    })
  }

  it('so are events in other formats, without UTF-8, or of another kind of body', () => {
    refuses(() => apart(structured('{}', 'application/cloudevents+avro')), /application\/cloudevents\+avro/)
    refuses(() => apart(structured('[]', 'application/cloudevents-batch+json')), /cloudevents-batch/)
    const { properties } = structured('')
    refuses(
      () => apart(message({ body: { kind: 'bytes', bytes: Buffer.from([255]) }, properties })),
      /no UTF-8/,
    )
    refuses(() => apart(message({ body: { kind: 'list', items: [] }, properties })), /of kind list/)
  })

  it('and binary ones', () => {
    const headers = strings({ cloudEvents_specversion: '1.0', cloudEvents_id: '1', cloudEvents_source: '/s' })
    refuses(() => overAmqp(message({ headers })), /it has no type/)
    const whole = { ...headers, cloudEvents_type: text('t') }
    const float: Value = { type: 'float64', value: 1.5 }
    refuses(
      () => apart(message({ headers: { ...whole, cloudEvents_ext: float } })),
      /its ext is of type float64/,
    )
    const other = { ...whole, cloudEvents_datacontenttype: text('text/xml') }
    refuses(
      () => apart(message({ headers: other, properties: { contentType: 'text/plain' } })),
      /datacontenttype text\/xml/,
    )
    refuses(
      () => apart(message({ headers: strings({ id: '1' }) })),
      /neither the content type .* nor a header specversion/,
    )
  })

  it('leaves the message as it came, with the fault', () => {
    const came = structured('no JSON')
    assert.deepEqual(apart(structured(`{${least}}`)).body, { kind: 'none' })
    refuses(() => apart(came), /no CloudEvent that can be read/)
  })

  it('reads data that is null: JSON that is null where it is JSON, and none where it is not', () => {
    assert.deepEqual(apart(structured(`{${least},"data":null}`)).body, textOf('null'))
    assert.deepEqual(apart(structured(`{${least},"datacontenttype":"a/b","data":null}`)).body, {
      kind: 'none',
    })
    assert.deepEqual(apart(structured(`{${least},"data":null,"data_base64":"QQ=="}`)).body, bytesOf('A'))
  })

  it('keeps the digits and keys of JSON that JavaScript would lose', () => {
    const data = '{"2":1,"1":9007199254740993,"a":1.0e400,"a":[{"\\"}":"]"}],"__proto__":-0}'
    const taken = apart(structured(`{"data" :\t${data}\n,${least},"n":-9007199254740993}`))
    assert.deepEqual(taken.body, textOf(data))
    assert.deepEqual(taken.headers.cloudEvents_n, { type: 'int64', value: -9007199254740993n })
    assert.match(
      textIn(overAmqp(taken)),
      /"n":-9007199254740993,"datacontenttype":"application\/json","data":\{"2":1,/,
    )
  })

  it('reads data that is nested a hundred thousand deep', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    assert.deepEqual(apart(structured(`{${least},"data":${deep}}`)).body, textOf(deep))
  })
})

describe('CloudEvents: the options', () => {
  it('take cloudevents with its format only, and a source that is a URI', () => {
    for (const { sink } of [amqp10, mqtt]) {
      const place = sink === amqp10.sink ? { queue: 'q' } : { topic: 't' }
      const wrong = (more: object) => () => sink!.options.parse({ ...place, ...more })
      assert.throws(wrong({ cloudevents: { type: 't' } }), /belongs to format: cloudevents/)
      const format = 'cloudevents'
      assert.throws(wrong({ format, cloudevents: { source: 'a b' } }), /expected a URI/)
      assert.throws(wrong({ format, cloudevents: { source: '/a/${address}' } }), /expected a URI/)
      assert.throws(wrong({ format, cloudevents: { type: '' } }))
      assert.doesNotThrow(
        wrong({ format, cloudevents: { source: 'urn:uuid:1%20', type: 't', mode: 'binary' } }),
      )
    }
  })

  it('changes nothing without the format', () => {
    const at = {
      connection: mqtt.connection.parse({ urls: ['mqtt://localhost'], version: 5 }),
      connectionName: 'c',
      route: 'r',
      options: mqtt.sink!.options.parse({ topic: 'out' }),
    }
    const came = structured('no JSON')
    assert.equal(mqtt.sink!.prepare(at, { maxMessageSize: 1_000 }, came).size > 0, true)
  })

  it('warns of binary events on MQTT 3.1.1', () => {
    const at = {
      connection: mqtt.connection.parse({ urls: ['mqtt://localhost'] }),
      connectionName: 'c',
      route: 'r',
      options: mqtt.sink!.options.parse({ topic: 'out', format: 'cloudevents', cloudevents: binary }),
    }
    assert.match(
      mqtt.sink!.warnings!(at)
        .map(w => w.text)
        .join(),
      /structured one/,
    )
  })
})
