import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { Bridge } from '../../src/bridge.ts'
import { loadText } from '../../src/config/load.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { describeWithJms, describeWithJmsOnSqs, type JmsMessage } from '../support/jms.ts'
import { until } from '../support/until.ts'
import { activemq, bridgeOf, unique } from './jms-setting.ts'
import { awsConnection, suiteAws } from './setting.ts'

let aws: TestAws

/** A bridge in this process with one route. */
function carry(t: TestContext, from: object, to: object) {
  const here = { connection: 'here', queue: `dead-${randomUUID()}` }
  const { config } = loadText(
    'jms.yaml',
    JSON.stringify({
      defaults: { dead_letter: [here] },
      connections: { here: { protocol: 'memory' }, cloud: awsConnection('sqs', aws, true) },
      routes: { only: { from, targets: { main: to } } },
    }),
  )
  const bridge = new Bridge(config, () => {})
  bridge.start()
  t.after(() => bridge.stop(AbortSignal.timeout(5_000)))
  return { letters: () => memoryQueue(here.queue).messages }
}

describeWithJmsOnSqs('JMS applications', jmsAt => {
  suiteAws(started => {
    aws = started
  })

  test('read text, bytes, objects, properties, correlation id and reply address that the bridge wrote', async t => {
    const [queue, answers, from] = [unique('out'), unique('answers'), unique('memory')]
    await aws.createQueue(queue)
    const url = await aws.createQueue(answers)
    const typed: Message = {
      address: from,
      body: { kind: 'text', text: 'Grüße €\r\n\t' },
      properties: {},
      headers: {
        boolean: { type: 'bool', value: true },
        byte: { type: 'int8', value: -128 },
        short: { type: 'int16', value: -32_768 },
        int: { type: 'int32', value: -(2 ** 31) },
        long: { type: 'int64', value: -(2n ** 63n) },
        float: { type: 'float32', value: 1.5 },
        double: { type: 'float64', value: 1e-7 },
        string: text('Grüße 😀'),
      },
    }
    const bytes: Message = {
      address: from,
      body: { kind: 'bytes', bytes: Buffer.from(Array.from({ length: 256 }, (_, i) => i)) },
      properties: {
        correlationId: text('order 1 😀'),
        replyTo: url,
        groupId: 'customer 7',
        groupSequence: 3,
        priority: 7,
      },
      headers: { small: { type: 'uint8', value: 200 }, at: { type: 'timestamp', value: 1_700_000_000_123 } },
    }
    const nan: Message = { ...typed, headers: { double: { type: 'float64', value: Number.NaN } } }
    for (const m of [typed, bytes, nan]) memoryQueue(from).put(m)
    const { letters } = carry(
      t,
      { connection: 'here', queue: from },
      { connection: 'cloud', queue, format: 'jms' },
    )
    const read = await jmsAt(aws.directEndpoint).read(queue, 3)
    assert.deepEqual(letters(), [])
    const found = read.map(({ kind, body, properties }) => ({
      kind,
      body,
      properties: withoutOwn(properties),
    }))
    assert.deepEqual(found.toSorted(byKind), [
      {
        kind: 'BytesMessage',
        body: Buffer.from(bytes.body.kind === 'bytes' ? bytes.body.bytes : '').toString('hex'),
        properties: {
          small: { Short: '200' },
          at: { Long: '1700000000123' },
          JMSXGroupID: { String: 'customer 7' },
          JMSXGroupSeq: { Integer: '3' },
        },
      },
      {
        kind: 'TextMessage',
        body: 'Grüße €\r\n\t',
        properties: {
          boolean: { Boolean: 'true' },
          byte: { Byte: '-128' },
          short: { Short: '-32768' },
          int: { Integer: '-2147483648' },
          long: { Long: '-9223372036854775808' },
          float: { Float: '1.5' },
          double: { Double: '1.0E-7' },
          string: { String: 'Grüße 😀' },
        },
      },
      { kind: 'TextMessage', body: 'Grüße €\r\n\t', properties: { double: { String: 'NaN' } } },
    ])
    const { headers } = read.find(({ kind }) => kind === 'BytesMessage')!
    assert.equal(headers.JMSCorrelationID, 'order 1 😀')
    assert.equal(headers.JMSReplyTo, `SQSDestination [queueName=${answers}, queueUrl=${url}]`)
  })

  test('write what the bridge reads: kinds, types, correlation id and reply address', async t => {
    const [queue, to] = [unique('in'), unique('memory')]
    await aws.createQueue(queue)
    const url = await aws.createQueue(`${queue}-answers`)
    const sent = await jmsAt(aws.directEndpoint).send(queue)
    const { letters } = carry(
      t,
      { connection: 'cloud', queue, wait: '1s', format: 'jms' },
      { connection: 'here', queue: to },
    )
    await until(() => memoryQueue(to).messages.length === sent.length, { what: 'all of them' })
    assert.deepEqual(letters(), [])
    const read = new Map(memoryQueue(to).messages.map(m => [sampleOf(m), m]))
    for (const { properties, headers } of sent) {
      const { messageId } = read.get(String(properties.sample?.String))!.properties
      assert.deepEqual(messageId, text(String(headers.JMSMessageID)))
    }
    const [plain, bytes, object] = ['text', 'bytes', 'object'].map(sample => read.get(sample)!)
    assert.deepEqual(plain!.body, { kind: 'text', text: 'Grüße € <&>\r\n\t' })
    assert.deepEqual(plain!.headers, {
      sample: text('text'),
      boolean: { type: 'bool', value: true },
      byte: { type: 'int8', value: -128 },
      short: { type: 'int16', value: -32_768 },
      int: { type: 'int32', value: -(2 ** 31) },
      long: { type: 'int64', value: -(2n ** 63n) },
      float: { type: 'float32', value: 1.5 },
      double: { type: 'float64', value: 1e-7 },
      string: text('Grüße 😀'),
    })
    assert.deepEqual(bytes!.body, {
      kind: 'bytes',
      bytes: Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    })
    assert.deepEqual(bytes!.headers, { sample: text('bytes') })
    const { correlationId, replyTo, groupId, groupSequence } = bytes!.properties
    assert.deepEqual(
      [correlationId, replyTo, groupId, groupSequence],
      [text('order 1 😀'), url, 'customer 7', 3],
    )
    assert.equal(object!.body.kind === 'object' && object!.body.bytes.toString().includes('Order'), true)
  })

  test('read again what they have written, after the bridge carried it from queue to queue', async t => {
    const [from, to] = [unique('from'), unique('to')]
    for (const name of [from, `${from}-answers`, to]) await aws.createQueue(name)
    const jms = jmsAt(aws.directEndpoint)
    const sent = await jms.send(from)
    // Its nine properties and the kind are ten attributes: there is no room for what is ours.
    const isTooMany = ({ properties }: JmsMessage) => properties.sample?.String === 'text'
    const { letters } = carry(
      t,
      { connection: 'cloud', queue: from, wait: '1s', format: 'jms' },
      { connection: 'cloud', queue: to, format: 'jms' },
    )
    const read = await jms.read(to, sent.length - 1)
    for (const message of sent.filter(m => !isTooMany(m))) {
      const same = read.find(
        ({ properties }) => properties.sample?.String === message.properties.sample?.String,
      )!
      assert.deepEqual(carried(same), carried(message))
    }
    await until(() => letters().length === 1, { what: 'the dead letter' })
    assert.match(
      (letters()[0]!.body as { text: string }).text,
      /has 9 headers and SQS takes 10 attributes, 2 of which are taken by JMS_SQSMessageType, sluice_properties/,
    )
  })

  const carried = ({ kind, body, headers, properties }: JmsMessage) => ({
    kind,
    body,
    correlationId: headers.JMSCorrelationID,
    replyTo: headers.JMSReplyTo,
    properties: withoutOwn(properties),
  })
})

await describeWithJms('activemq', 'JMS requesters, and services on SQS', (broker, jms) => {
  describeWithJmsOnSqs('The service', jmsAt => {
    suiteAws(started => {
      aws = started
    })

    test('answers by JMSReplyTo and correlation id, as before on its broker', async t => {
      const [questions, requests, answers] = [unique('questions'), unique('requests'), unique('replies')]
      await aws.createQueue(requests)
      const url = await aws.createQueue(answers)
      const { bridge, letters } = await bridgeOf(t, aws, broker, activemq, {
        ask: {
          from: { connection: 'broker', queue: questions },
          request: { reply_to: url, timeout: '60s' },
          targets: { main: { connection: 'cloud', queue: requests, format: 'jms' } },
        },
        answer: {
          from: { connection: 'cloud', queue: answers, wait: '1s', format: 'jms' },
          reply: true,
          targets: { main: { connection: 'broker', address: '${address}' } },
        },
      })
      const service = await jmsAt(aws.directEndpoint).serve(t, requests)
      const { milliseconds: _, ...counts } = await jms.request(questions, 100)
      assert.deepEqual(counts, { asked: 100, right: 100, wrong: 0, firstWrong: null })
      assert.equal(await service.stop(), 100)
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await letters(), [])
    })
  })
})

/** What is the library's own, or ours. */
const withoutOwn = (properties: JmsMessage['properties']) =>
  Object.fromEntries(
    Object.entries(properties).filter(
      ([name]) => !/^(JMS_SQS.*|JMSXDeliveryCount|sluice_properties)$/.test(name),
    ),
  )

const byKind = (a: { readonly kind: string; readonly properties: object }, b: typeof a) =>
  a.kind.localeCompare(b.kind) || Object.keys(b.properties).length - Object.keys(a.properties).length

function sampleOf({ headers }: Message): string | undefined {
  const value = headers.sample
  return value?.type === 'string' ? value.value : undefined
}
