import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestAws } from '../support/fauxqs.ts'
import { describeWithJms, type JmsMessage } from '../support/jms.ts'
import { activemq, artemis, bridgeOf, unique } from './jms-setting.ts'
import { suiteAws } from './setting.ts'

let aws: TestAws

type Samples = ReadonlyMap<string, JmsMessage>

const byName = (messages: readonly JmsMessage[]): Samples =>
  new Map(messages.map(m => [String(m.properties.sample?.String), m]))

const without = <T>(from: Readonly<Record<string, T>>, isLeftOut: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !isLeftOut(name)))

/**
 * What is the same on both queues. Not so are the name of the queue, what a broker notes of each message that came by
 * AMQP, and the property in which the bridge keeps what AMQP has no place for: its trail. Artemis gives a message that came by AMQP a
 * JMSMessageID of its own, beside the one that the sender knows.
 */
const carried = ({ headers, properties, ...rest }: JmsMessage): JmsMessage => ({
  ...rest,
  headers: {
    ...without(headers, name => name === 'JMSDestination'),
    JMSMessageID: String(properties.NATIVE_MESSAGE_ID?.String ?? headers.JMSMessageID),
  },
  properties: without(properties, name => notes.test(name)),
})

const notes = /^(JMS_AMQP_.*|sluice_properties|NATIVE_MESSAGE_ID)$/

/** Samples that arrive as something else, and as what. All others must arrive as they were sent. */
const otherwise: Readonly<Record<string, (sent: JmsMessage) => JmsMessage>> = {
  // AMQP has one message without a body where JMS has two, and ActiveMQ takes it for a text that is null.
  message: sent => ({ ...sent, kind: 'TextMessage' }),
  // ActiveMQ does not write by AMQP that a message is not durable: in doubt it is.
  'message-bare': sent => ({
    ...sent,
    kind: 'TextMessage',
    headers: { ...sent.headers, JMSDeliveryMode: 2 },
  }),
  // ActiveMQ's client itself: between two JMS applications the same is lost (below).
  beyond: sent => ({
    ...sent,
    properties: {
      ...sent.properties,
      astral: { String: '\ufffd\ufffd' },
      nul: { String: 'a\ufffd\ufffdb' },
    },
  }),
}

/** No broker can hand it out by AMQP (Samples.java says why): ActiveMQ keeps it, Artemis has it in its dead letters. */
const stuck = 'stream-bytes'

await describeWithJms('activemq', 'JMS applications without a bridge', (_, jms) => {
  test('read what was sent', async () => {
    const queue = unique('direct')
    const sent = byName(await jms.send(queue))
    const read = byName(await jms.read(queue, sent.size))
    const { beyond, ...same } = Object.fromEntries(sent)
    for (const [name, message] of Object.entries(same)) assert.deepEqual(read.get(name), message, name)
    assert.deepEqual(read.get('beyond'), otherwise.beyond!(beyond!))

    const kinds = ['text', 'bytes', 'map', 'stream', 'object', 'message'].map(name => read.get(name)!.kind)
    const wanted = ['TextMessage', 'BytesMessage', 'MapMessage', 'StreamMessage', 'ObjectMessage', 'Message']
    assert.deepEqual(kinds, wanted)
    const { boolean, byte, short, int, long, float, double, string } = read.get('text')!.properties
    assert.deepEqual(
      [boolean, byte, short, int, long, float, double, string],
      [
        { Boolean: 'true' },
        { Byte: '-128' },
        { Short: '-32768' },
        { Integer: '-2147483648' },
        { Long: '-9223372036854775808' },
        { Float: '1.4E-45' },
        { Double: '4.9E-324' },
        { String: 'Grüße €' },
      ],
    )
  })
})

for (const manner of [activemq, artemis]) {
  await describeWithJms(manner.name, 'JMS applications', (broker, jms) => {
    suiteAws(started => {
      aws = started
    })

    test('read the same types after the messages went to SQS and back', async t => {
      const [from, to, cloud] = [unique('from'), unique('to'), unique('cloud')]
      await aws.createQueue(cloud)
      const sent = byName(await jms.send(from))
      const { bridge, letters } = await bridgeOf(t, aws, broker, manner, {
        out: {
          from: { connection: 'broker', queue: from },
          targets: { main: { connection: 'cloud', queue: cloud } },
        },
        back: {
          from: { connection: 'cloud', queue: cloud, wait: '1s' },
          targets: { main: { connection: 'broker', queue: to } },
        },
      })
      const read = byName(await jms.read(to, sent.size - 1))
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await letters(), [])
      for (const [name, message] of sent) {
        if (name === stuck) continue
        assert.deepEqual(carried(read.get(name)!), carried((otherwise[name] ?? (m => m))(message)), name)
      }
      if (manner === activemq) {
        assert.deepEqual((await jms.read(from, 1))[0]?.properties.sample, { String: stuck })
      }
    })
  })
}
