import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../../src/adapters/shared/within.ts'
import { stomp } from '../../src/adapters/stomp/index.ts'
import type { LinkEvent, Source } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { LinkLost, sentence } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { bytesOf } from './fixture.ts'
import { type Answer, FakeBroker, message, polite } from './stomp-fake.ts'

const lots = 2 ** 40

async function open(
  broker: FakeBroker,
  {
    from = { queue: 'Q' } as object,
    via = {} as object,
    signal = new AbortController().signal,
    trial = false,
  } = {},
) {
  const deliveries: Delivery[] = []
  const events: LinkEvent[] = []
  const at = {
    connection: stomp.connection.parse({ urls: [broker.url], connect_timeout: '2s', ...via }),
    connectionName: 'mq',
    route: 'orders',
    options: stomp.source!.options.parse(from),
  }
  const source: Source = await stomp.source!.open(at, d => deliveries.push(d), {
    signal,
    ...(trial && { trial }),
    report: e => events.push(e),
  })
  return { source, deliveries, events, at }
}

const says = (pattern: RegExp) => (error: unknown) => {
  assert.match(sentence(error), pattern)
  return true
}

describe('STOMP source', { timeout: 30_000 }, () => {
  test('says how it wants to be served, in the words of each broker', async t => {
    const asked = async (server: string, from: object) => {
      const broker = await FakeBroker.start(t, polite(`version:1.2\nserver:${server}\nheart-beat:0,0`))
      const { source } = await open(broker, { from: { prefetch: 7, ...from } })
      await source.close()
      const { receipt: _, ...headers } = Object.fromEntries(broker.heard('SUBSCRIBE')[0]!.headers)
      return { ...headers, client: broker.heard('CONNECT')[0]!.headers.get('client-id') }
    }
    const always = { id: 'sluice', ack: 'client-individual', client: undefined }
    assert.deepEqual(
      await asked('ActiveMQ/5.19.0', {
        queue: 'A/B',
        selector: 'a = 1',
        exclusive: true,
        transformation: 'jms-map-json',
      }),
      {
        ...always,
        destination: '/queue/A/B',
        selector: 'a = 1',
        'activemq.prefetchSize': '7',
        'activemq.exclusive': 'true',
        transformation: 'jms-map-json',
      },
    )
    assert.deepEqual(await asked('ActiveMQ/5.19.0', { topic: 'T', subscription: 's' }), {
      ...always,
      id: 's',
      client: 'sluice-mq-orders',
      destination: '/topic/T',
      'activemq.prefetchSize': '7',
      'activemq.subscriptionName': 's',
    })
    assert.deepEqual(
      await asked('ActiveMQ-Artemis/2.44.0 ActiveMQ Artemis Messaging Engine', { queue: 'Q' }),
      {
        ...always,
        destination: 'Q',
        'consumer-window-size': '1048576',
        'subscription-type': 'ANYCAST',
      },
    )
    assert.deepEqual(await asked('ActiveMQ-Artemis/2', { topic: 'T', subscription: 's', prefetch: 1 }), {
      ...always,
      id: 's',
      client: 'sluice-mq-orders',
      destination: 'T',
      'consumer-window-size': '0',
      'subscription-type': 'MULTICAST',
      'durable-subscription-name': 's',
    })
    assert.deepEqual(await asked('RabbitMQ/4.0.5', { queue: 'a/b %é' }), {
      ...always,
      destination: '/amq/queue/a%2Fb %25%C3%A9',
      'prefetch-count': '7',
    })
    assert.deepEqual(await asked('RabbitMQ/4.0.5', { topic: 'a.*', subscription: 's' }), {
      ...always,
      id: 's',
      client: 'sluice-mq-orders',
      destination: '/topic/a.*',
      'prefetch-count': '7',
      durable: 'true',
      'auto-delete': 'false',
    })
    assert.deepEqual(await asked('RabbitMQ/4.0.5', { address: '/exchange/e/k' }), {
      ...always,
      destination: '/exchange/e/k',
      'prefetch-count': '7',
    })
  })

  test("a trial makes no durable subscription, takes nobody's name and at most one message", async t => {
    const broker = await FakeBroker.start(t)
    const from = { topic: 'T', subscription: 's', client_id: 'me', exclusive: true }
    await (await open(broker, { from, trial: true })).source.close()
    assert.equal(broker.heard('CONNECT')[0]!.headers.has('client-id'), false)
    const { receipt: _, ...headers } = Object.fromEntries(broker.heard('SUBSCRIBE')[0]!.headers)
    assert.deepEqual(headers, {
      id: 'sluice',
      destination: '/topic/T',
      ack: 'client-individual',
      'activemq.prefetchSize': '1',
    })
  })

  test('names a delivery in ACK as the version wants it', async t => {
    for (const [version, expected] of [
      ['1.2', { id: 'a1' }],
      ['1.1', { subscription: 'sluice', 'message-id': 'ID\\c1' }],
      ['1.0', { 'message-id': 'ID\\c1' }],
    ] as const) {
      const broker = await FakeBroker.start(t, polite(`version:${version}`))
      const { source, deliveries } = await open(broker)
      source.grant(1, lots)
      broker.send(message(1))
      await until(() => deliveries.length === 1, { what: 'deliveries' })
      await deliveries[0]!.settle('accepted')
      const [ack] = await broker.hears('ACK')
      assert.deepEqual(Object.fromEntries(ack!.headers), expected, version)
      await source.close()
    }
  })

  test('settles a thousand messages in one write', async t => {
    const broker = await FakeBroker.start(t)
    const { source, deliveries } = await open(broker)
    source.grant(1_000, lots)
    broker.send(Array.from({ length: 1_000 }, (_, i) => message(i)).join(''))
    await until(() => deliveries.length === 1_000, { what: 'deliveries' })
    const write = t.mock.method(Socket.prototype, 'write')
    await Promise.all(deliveries.map(d => d.settle('accepted')))
    await broker.hears('ACK', 1_000)
    assert.equal(write.mock.callCount(), 1)
    await source.close()
  })

  test('stops reading while much is held, goes on with its heart-beats and judges nobody', async t => {
    const broker = await FakeBroker.start(t, polite('version:1.2\nserver:x\nheart-beat:200,200'))
    const { source, deliveries } = await open(broker, { via: { heartbeat: '200ms' } })
    const megabyte = 'x'.repeat(2 ** 20)
    let sent = 0
    while (broker.send(message(sent++, megabyte)) || sent < 30) await pause(1)
    const { beats } = broker
    await until(() => broker.beats >= beats + 12, { what: 'our heart-beats' })
    assert.equal(deliveries.length, 0)
    assert.equal(await Promise.race([source.closed, 'open']), 'open')
    const beating = setInterval(() => broker.send('\n'), 50)
    t.after(() => clearInterval(beating))
    for (let i = 1; i <= sent; i++) {
      source.grant(1, lots)
      await until(() => deliveries.length === i, { what: 'deliveries' })
    }
    assert.ok(deliveries.every(d => bytesOf(d.message).length === megabyte.length))
    await source.close()
  })

  test('reads no more than a few MiB ahead of what was granted', async t => {
    const broker = await FakeBroker.start(t)
    const { source } = await open(broker)
    const megabyte = Buffer.from(message(1, 'x'.repeat(2 ** 20)))
    let taken = 0
    while (taken < 100 && (await Promise.race([broker.passOn(megabyte), pause(1_000, 'stuck')])) !== 'stuck')
      taken++
    assert.ok(taken < 40, `${taken} MiB, the buffers of the sockets included`)
    await within(6_000, 'closing while paused', source.close())
  })

  test('a broker that stops its heart-beats is taken for dead', async t => {
    const broker = await FakeBroker.start(t, polite('version:1.2\nheart-beat:200,200'))
    const { source } = await open(broker, { via: { heartbeat: '200ms' } })
    const error = await within(2_000, 'noticing', source.closed)
    assert.match(error!.message, /silent for 0.4 s/)
  })

  test('an ERROR ends the link with the words of the broker', async t => {
    const broker = await FakeBroker.start(t)
    const { source, deliveries } = await open(broker)
    source.grant(1, lots)
    broker.send(message(1))
    await until(() => deliveries.length === 1, { what: 'deliveries' })
    const lostFirst = source.closed.then(() => deliveries[0]!.lost.aborted)
    broker.send('ERROR\nmessage:Unexpected ACK received for message-id [ID\\c1]\n\n\0')
    assert.match((await source.closed)!.message, /Unexpected ACK received for message-id \[ID:1\]/)
    assert.ok(await lostFirst)
    await assert.rejects(deliveries[0]!.settle('accepted'), LinkLost)
  })

  test('anything that is no STOMP ends the link and says what it was', async t => {
    const broker = await FakeBroker.start(t)
    const { source } = await open(broker)
    broker.send('MESSAGE\ncontent-length:2\n\nabc\0')
    assert.match(sentence(await source.closed), /reading what the broker sent.*no NUL after the 2 bytes/)
  })

  test('a MESSAGE without an ack header ends the link', async t => {
    const broker = await FakeBroker.start(t)
    const { source } = await open(broker)
    broker.send('MESSAGE\nmessage-id:1\n\nabc\0')
    assert.match(sentence(await source.closed), /MESSAGE without the header ack/)
  })

  test('a message beyond max_message_size ends the link and names the option', async t => {
    const broker = await FakeBroker.start(t)
    const { source } = await open(broker, { from: { queue: 'Q', max_message_size: '1KiB' } })
    broker.send(message(1, 'x'.repeat(1_025)))
    assert.match(sentence(await source.closed), /1024 bytes.*max_message_size/)
  })

  test('the end of the stream is noticed', async t => {
    const broker = await FakeBroker.start(t)
    const { source } = await open(broker)
    broker.hangUp()
    assert.match((await source.closed)!.message, /the broker closed the connection/)
  })

  test('closing disconnects after the last ACK and waits for the receipt, and closed is undefined', async t => {
    const broker = await FakeBroker.start(t)
    const { source, deliveries } = await open(broker)
    source.grant(2, lots)
    broker.send(message(1) + message(2))
    await until(() => deliveries.length === 2, { what: 'deliveries' })
    await deliveries[0]!.settle('accepted')
    await source.close()
    assert.equal(await source.closed, undefined)
    assert.deepEqual(
      broker.said.map(s => s.command),
      ['CONNECT', 'SUBSCRIBE', 'ACK', 'DISCONNECT'],
    )
    await assert.rejects(deliveries[1]!.settle('accepted'), LinkLost)
  })

  const refusing =
    (command: string, error: string): Answer =>
    said =>
      said.command === command ? error : polite()(said)

  test('refusals to open are said in words', async t => {
    const refusal = async (command: string, error: string, pattern: RegExp, via = {}) => {
      const broker = await FakeBroker.start(t, refusing(command, error))
      await assert.rejects(open(broker, { via }), says(pattern))
    }
    const wrong = { username: 'bob', password: 'x' }
    await refusal(
      'CONNECT',
      'ERROR\nmessage:Bad CONNECT\n\nVirtual host x access denied\0',
      /refused the connection: Bad CONNECT: Virtual host x/,
      wrong,
    )
    await refusal(
      'CONNECT',
      "ERROR\nmessage:Bad CONNECT\n\nAccess refused for user 'bob'\n\0",
      /refused the credentials of user bob/,
      wrong,
    )
    await refusal(
      'CONNECT',
      'ERROR\nmessage:User name [null] or password is invalid.\n\n\0',
      /credentials.*without user name|without user name/,
    )
    await refusal('CONNECT', 'CONNECTED\nversion:2.0\n\n\0', /STOMP version 2.0/)
    await refusal('CONNECT', 'HTTP/1.1 400 Bad Request\r\n\r\n', /is this the STOMP port/)
    await refusal(
      'SUBSCRIBE',
      "ERROR\nmessage:not_found\n\nNOT_FOUND - no queue 'Q' in vhost '/'\n\0",
      /queue Q, which does not exist.*no queue 'Q'/,
    )
    await refusal('SUBSCRIBE', 'CONNECTED\n\n\0', /subscribing to queue Q took longer than 0.3 s/, {
      connect_timeout: '300ms',
    })
  })

  test('an abort while subscribing throws its reason and leaves no connection', async t => {
    const broker = await FakeBroker.start(t, said =>
      said.command === 'SUBSCRIBE' ? undefined : polite()(said),
    )
    const abort = new AbortController()
    const opening = open(broker, { signal: abort.signal })
    opening.catch(() => {})
    await broker.hears('SUBSCRIBE')
    const reason = new Error('enough')
    abort.abort(reason)
    await assert.rejects(within(2_000, 'opening', opening), reason)
    await broker.hears('DISCONNECT')
  })

  test('knows how long RabbitMQ lets a message be held, and says what cannot be had', async t => {
    const broker = await FakeBroker.start(t, polite('version:1.2\nserver:RabbitMQ/4.0.5'))
    const { source, at, events } = await open(broker, { from: { queue: 'Q', exclusive: true } })
    assert.equal(stomp.source!.holdLimit(at), 20 * 60_000)
    assert.match(events.map(e => (e.type === 'notice' ? e.text : '')).join(), /rabbitmq.*declared so/)
    await source.close()
    const other = { ...at, connection: stomp.connection.parse({ urls: [broker.url], broker: 'activemq' }) }
    assert.equal(stomp.source!.holdLimit(other), Number.POSITIVE_INFINITY)
  })
})
