import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { tokenHeader } from '../../src/route/reply/requests.ts'
import { signToken } from '../../src/route/reply/token.ts'
import { runBridge } from '../support/bridge-process.ts'
import type { Broker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { describeWithJms, type JmsMessage } from '../support/jms.ts'
import { until } from '../support/until.ts'
import { askFromCloud, cloudService } from './cloud-service.ts'
import { awsConnection, bodiesIn, deadFolder, inQueue, quick, suiteAws } from './setting.ts'

let aws: TestAws

const unique = (what: string) => `jms-${what}-${randomUUID().slice(0, 8)}`

const key = { id: 'k1', secret: 'the secret of these tests' }

/** Through the connector that makes JMS messages of what comes: by default ActiveMQ keeps it as bytes. */
function amqp10({ host, ports, username, password }: Broker) {
  const again = 'scripts/brokers down activemq && scripts/brokers up activemq'
  assert.ok(ports.amqpJms, `activemq was started before it had the port amqpJms: ${again}`)
  return { protocol: 'amqp10', urls: [`amqp://${host}:${ports.amqpJms}`], username, password }
}

/** A bridge between the broker and the cloud with these routes. */
async function bridgeOf(t: TestContext, broker: Broker, routes: object) {
  const dead = deadFolder(t)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: { broker: amqp10(broker), cloud: awsConnection('sqs', aws, true) },
    request_reply: { keys: [key], reply_to_allow: ['temp-queue://*', 'jms-answers-*'] },
    routes,
  })
  await bridge.connected()
  return { bridge, letters: dead.letters }
}

type Samples = ReadonlyMap<string, JmsMessage>

const byName = (messages: readonly JmsMessage[]): Samples =>
  new Map(messages.map(m => [String(m.properties.sample?.String), m]))

const without = <T>(from: Readonly<Record<string, T>>, isLeftOut: (name: string) => boolean) =>
  Object.fromEntries(Object.entries(from).filter(([name]) => !isLeftOut(name)))

/**
 * What is the same on both queues. Not so are the name of the queue, what ActiveMQ notes of each message that came by
 * AMQP, and the property in which the bridge keeps what AMQP has no place for: its trail.
 */
const carried = ({ headers, properties, ...rest }: JmsMessage): JmsMessage => ({
  ...rest,
  headers: without(headers, name => name === 'JMSDestination') as JmsMessage['headers'],
  properties: without(properties, name => name.startsWith('JMS_AMQP_') || name === 'sluice_properties'),
})

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

/** ActiveMQ cannot hand it out by AMQP (Samples.java says why), so that it stays where it is. */
const stuck = 'stream-bytes'

await describeWithJms('activemq', 'JMS applications', (broker, jms) => {
  suiteAws(started => {
    aws = started
  })

  test('read without a bridge what was sent, so that a difference is the bridge’s', async () => {
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

  test('read the same types after the messages went to SQS and back', async t => {
    const [from, to, cloud] = [unique('from'), unique('to'), unique('cloud')]
    await aws.createQueue(cloud)
    const sent = byName(await jms.send(from))
    const { bridge, letters } = await bridgeOf(t, broker, {
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
    assert.deepEqual((await jms.read(from, 1))[0]?.properties.sample, { String: stuck })
  })

  /** JMS requesters ask a service on SQS. */
  async function askTheCloud(t: TestContext, timeout = '60s') {
    const [questions, cloud, answers] = [unique('questions'), unique('requests'), unique('replies')]
    const [requestsUrl, answersUrl] = [await aws.createQueue(cloud), await aws.createQueue(answers)]
    const { bridge, letters } = await bridgeOf(t, broker, {
      ask: {
        from: { connection: 'broker', queue: questions },
        request: { reply_to: answers, timeout },
        targets: { main: { connection: 'cloud', queue: cloud } },
      },
      answer: {
        from: { connection: 'cloud', queue: answers, wait: '1s' },
        reply: true,
        targets: { main: { connection: 'broker', address: '${address}' } },
      },
    })
    const failed = (reason: string) =>
      bridge.metric('sluice_replies_failed_total', { route: 'answer', reason })
    return { bridge, letters, questions, cloud, requestsUrl, answersUrl, answers, failed }
  }

  test('get 1,000 answers of a service on SQS at once, each its own, at one temporary queue', async t => {
    const { bridge, letters, questions, requestsUrl, answers } = await askTheCloud(t)
    const service = cloudService(t, aws, requestsUrl)
    const { milliseconds, ...counts } = await jms.request(questions, 1_000)
    t.diagnostic(`1,000 requests in parallel, JMS to SQS and back: ${milliseconds} ms`)
    assert.deepEqual(counts, { asked: 1_000, right: 1_000, wrong: 0, firstWrong: null })
    const { milliseconds: _, ...more } = await jms.request(questions, 50, 'message ids')
    assert.deepEqual(more, { asked: 50, right: 50, wrong: 0, firstWrong: null })
    assert.equal(service.answered(), 1_050)
    assert.equal(inQueue(aws, answers).length, 0)
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(await letters(), [])
  })

  test('that are gone before the answer harm no one else', async t => {
    const { bridge, letters, questions, cloud, requestsUrl, failed } = await askTheCloud(t)
    await jms.abandon(questions, 40)
    await until(() => inQueue(aws, cloud).length === 40, { what: 'the requests' })
    cloudService(t, aws, requestsUrl)
    const { milliseconds: _, ...counts } = await jms.request(questions, 40)
    assert.deepEqual(counts, { asked: 40, right: 40, wrong: 0, firstWrong: null })
    await until(async () => (await failed('undeliverable')) === 40, { what: 'the failed replies' })
    assert.equal(await bridge.metric('sluice_breakers_opened_total'), 0)
    assert.equal(await bridge.metric('sluice_links_lost_total'), 0)
    assert.equal(await bridge.stop(), 0)
    const dead = await letters()
    assert.equal(dead.length, 40)
    for (const { reason, route } of dead) {
      assert.equal(route, 'answer')
      assert.match(reason, /temp-queue:\/\/ID:/)
    }
    t.diagnostic(dead[0]!.reason)
  })

  test('never see a forged or a late answer', async t => {
    const { bridge, letters, answersUrl, questions, requestsUrl, failed } = await askTheCloud(t)
    const to = { connection: 'broker', address: 'temp-queue://ID:x', expiresAt: Date.now() + 60_000 }
    const tokens = {
      forged: signToken({ ...key, secret: 'another secret than the one' }, to),
      'of a key that is not there': signToken({ ...key, id: 'k9' }, to),
      'for a place that is not allowed': signToken(key, { ...to, address: 'queue://PAYROLL' }),
      'no token': 'nonsense',
      late: signToken(key, { ...to, expiresAt: Date.now() - 5_000 }),
    }
    for (const [MessageBody, StringValue] of Object.entries(tokens)) {
      const MessageAttributes = { [tokenHeader]: { DataType: 'String', StringValue } }
      await aws.sqs.send(new SendMessageCommand({ QueueUrl: answersUrl, MessageBody, MessageAttributes }))
    }
    await until(async () => (await letters()).length === 5, { what: 'five dead letters' })
    const reasons = new Map(
      (await letters()).map(l => [l.message.body.kind === 'text' && l.message.body.text, l.reason]),
    )
    assert.match(reasons.get('forged')!, /forged or was altered/)
    assert.match(reasons.get('of a key that is not there')!, /the key "k9", which is not configured/)
    assert.match(reasons.get('for a place that is not allowed')!, /no pattern of reply_to_allow covers/)
    assert.match(reasons.get('no token')!, /none of ours/)
    assert.match(reasons.get('late')!, /came \d+ s after its request had expired/)
    assert.equal(await failed('late'), 1)
    assert.equal(await failed('undeliverable'), 4)
    cloudService(t, aws, requestsUrl)
    assert.equal((await jms.request(questions, 1)).right, 1)
    assert.equal(await bridge.metric('sluice_breakers_opened_total'), 0)
    assert.equal(await bridge.stop(), 0)
  })

  test('answer 500 requests from the cloud at once, each at the queue that it names', async t => {
    const [requests, service, home] = [unique('requests'), unique('service'), unique('home')]
    const places = [unique('answers'), unique('answers')]
    const requestsUrl = await aws.createQueue(requests)
    for (const place of places) await aws.createQueue(place)
    const { bridge, letters } = await bridgeOf(t, broker, {
      ask: {
        from: { connection: 'cloud', queue: requests, wait: '1s' },
        mapping: [{ set: { reply_to: '${headers.answer_to}', correlation_id: '${headers.request_id}' } }],
        request: { reply_to: `queue://${home}`, timeout: '60s' },
        targets: { main: { connection: 'broker', queue: service } },
      },
      answer: {
        from: { connection: 'broker', queue: home },
        reply: true,
        mapping: [{ set: { headers: { request_id: '${properties.correlation_id}' } } }],
        targets: { main: { connection: 'cloud', queue: '${address}' } },
      },
    })
    const answering = await jms.serve(t, service)
    const ids = Array.from({ length: 500 }, (_, i) => `request ${i} 😀`)
    const questions = ids.map((id, i) => ({ id, text: `question ${i}`, answerTo: places[i % 2]! }))
    await askFromCloud(aws.sqs, requestsUrl, questions)
    await until(() => places.flatMap(place => bodiesIn(aws, place)).length >= 500, {
      what: '500 answers',
      timeout: 60_000,
    })
    assert.equal(await bridge.stop(), 0)
    assert.equal(await answering.stop(), 500)
    for (const [p, place] of places.entries()) {
      const found = new Map(
        inQueue(aws, place).map(m => [m.messageAttributes.request_id?.StringValue, m.body]),
      )
      const wanted = questions.filter((_, i) => i % 2 === p).map(q => [q.id, `answer to ${q.text}`] as const)
      assert.deepEqual(found, new Map(wanted))
    }
    assert.deepEqual(await letters(), [])
  })
})
