import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { SessionMemory, sessionMemory } from '../../src/adapters/mqtt/sessions.ts'
import { LinkLost, sentence } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { endpoint, Opened } from './mqtt-opened.ts'
import { disconnectsWithConnack, polite, ScriptedBroker } from './mqtt-scripted.ts'

const at = (broker: { port: number }, source = {}, connection = {}) =>
  endpoint({ urls: [`mqtt://127.0.0.1:${broker.port}`], connect_timeout: '2s', ...connection }, source)

test('acknowledges in the order of arrival, whatever the order of settling, and nothing that is not settled', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  opened.grant(10)
  for (const id of [11, 12, 13, 14]) broker.last.publish(id, `m${id}`)
  await opened.came(4)
  const [first, second, third, fourth] = opened.deliveries
  await third!.settle('accepted')
  await second!.settle('accepted')
  // An acknowledgement would go out in the next turn of the event loop, and come in the one after it.
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  assert.deepEqual(broker.last.acknowledged, [])
  await first!.settle('accepted')
  await broker.last.hears('puback', 3)
  assert.deepEqual(broker.last.acknowledged, [11, 12, 13])
  await fourth!.settle('accepted')
  await broker.last.hears('puback', 4)
})

test('an acknowledgement never goes out on another connection', async () => {
  await using broker = await ScriptedBroker.listen()
  const place = at(broker)
  const old = await Opened.at(place)
  old.grant(10)
  broker.last.publish(1, 'first')
  await old.came(1)
  broker.last.socket.destroy()
  let lostFirst = false
  await old.source.closed.then(() => {
    lostFirst = old.deliveries[0]!.lost.aborted
  })
  assert.ok(lostFirst, 'lost is aborted before closed resolves')
  await using next = await Opened.at(place)
  next.grant(10)
  broker.last.publish(1, 'another under the same packet id')
  await next.came(1)
  await assert.rejects(old.deliveries[0]!.settle('accepted'), LinkLost)
  broker.last.publish(2, 'second')
  await next.came(2)
  await next.deliveries[1]!.settle('accepted')
  assert.deepEqual(broker.last.acknowledged, [])
  await next.deliveries[0]!.settle('accepted')
  await broker.last.hears('puback', 2)
  assert.deepEqual(broker.last.acknowledged, [1, 2])
})

test('two equal payloads both arrive; the same packet sent again on one connection arrives once', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  opened.grant(10)
  broker.last.publish(1, 'OPEN')
  broker.last.publish(2, 'OPEN')
  broker.last.publish(2, 'OPEN', { dup: true })
  broker.last.publish(3, 'CLOSE')
  await opened.came(3)
  assert.deepEqual(opened.ids, ['OPEN', 'OPEN', 'CLOSE'])
  for (const d of opened.deliveries) await d.settle('accepted')
  await broker.last.hears('puback', 3)
  assert.deepEqual(broker.last.acknowledged, [1, 2, 3])
})

test('a retained message is skipped and acknowledged, unless its live copy follows under the same packet id', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  opened.grant(10)
  broker.last.publish(1, 'old', { retain: true })
  broker.last.publish(2, 'while away', { retain: true })
  broker.last.publish(2, 'while away', { dup: true })
  broker.last.publish(3, 'live first')
  broker.last.publish(3, 'live first', { retain: true, dup: true })
  await opened.came(2)
  await broker.last.hears('puback', 1)
  assert.deepEqual(opened.ids, ['while away', 'live first'])
  await opened.deliveries[1]!.settle('accepted')
  assert.deepEqual(broker.last.acknowledged, [1])
  await opened.deliveries[0]!.settle('accepted')
  await broker.last.hears('puback', 3)
  assert.deepEqual(broker.last.acknowledged, [1, 2, 3])
})

test('a message of a kept session that comes before the answer to SUBSCRIBE waits for the grant', async () => {
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (packet.cmd === 'connect') {
      client.say({ cmd: 'connack', returnCode: 0, sessionPresent: true })
      for (let id = 1; id <= 50; id++) client.publish(id, `m${id}`)
    } else polite(packet, client)
  })
  await using opened = await Opened.at(at(broker, { prefetch: 10 }))
  assert.equal(opened.deliveries.length, 0)
  opened.grant(20)
  assert.equal(opened.deliveries.length, 20)
  opened.grant(100)
  assert.deepEqual(opened.ids.at(-1), 'm50')
})

test('reads no more than prefetch unsettled, and goes on when they are settled', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker, { prefetch: 5 }))
  opened.grant(1000)
  for (let id = 1; id <= 40; id++) broker.last.publish(id, `m${id}`)
  let settled = 0
  while (settled < 40) {
    await opened.came(settled + 1)
    assert.ok(opened.deliveries.length - settled <= 5)
    await opened.deliveries[settled++]!.settle('accepted')
  }
  await broker.last.hears('puback', 40)
})

test('stop: nothing more is delivered, no UNSUBSCRIBE, and what is out can be settled', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  opened.grant(10)
  broker.last.publish(1, 'before')
  await opened.came(1)
  await opened.source.stop()
  broker.last.publish(2, 'after')
  await opened.deliveries[0]!.settle('accepted')
  await broker.last.hears('puback', 1)
  await opened.source.close()
  await broker.last.gone()
  assert.deepEqual(opened.ids, ['before'])
  assert.deepEqual(broker.last.acknowledged, [1])
  assert.equal(broker.last.count('unsubscribe'), 0)
})

test('close says DISCONNECT, acknowledges only what was settled, and closed resolves without an error', async () => {
  await using broker = await ScriptedBroker.listen()
  const opened = await Opened.at(at(broker))
  opened.grant(10)
  for (let id = 1; id <= 3; id++) broker.last.publish(id, `m${id}`)
  await opened.came(3)
  await opened.deliveries[0]!.settle('accepted')
  await Promise.all([opened.source.close(), opened.source.close()])
  assert.equal(await opened.source.closed, undefined)
  await broker.last.gone()
  assert.deepEqual(broker.last.acknowledged, [1])
  assert.equal(broker.last.count('disconnect'), 1)
  assert.ok(opened.deliveries[1]!.lost.aborted)
})

test('close leaves its side open until the broker closes, which may still be busy with what was acknowledged', async () => {
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (packet.cmd !== 'disconnect') polite(packet, client)
  })
  const opened = await Opened.at(at(broker))
  let ended = false
  broker.last.socket.on('end', () => {
    ended = true
  })
  const closing = opened.source.close()
  await broker.last.hears('disconnect', 1)
  for (let id = 1; id <= 2_000; id++) broker.last.publish(id, 'x'.repeat(1000))
  await new Promise(resolve => setTimeout(resolve, 200))
  assert.equal(ended, false)
  broker.last.socket.end()
  await closing
  await broker.last.gone()
})

test('close is over soon when the peer is silent', async () => {
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (packet.cmd === 'disconnect') client.socket.pause()
    else polite(packet, client)
  })
  const opened = await Opened.at(at(broker))
  broker.last.socket.allowHalfOpen = true
  const since = performance.now()
  await opened.source.close()
  const took = performance.now() - since
  assert.ok(took > 1500 && took < 4000, `closed after ${took} ms`)
})

test('QoS 0 beyond prefetch is dropped and counted; the rest is delivered, and nothing is acknowledged', async () => {
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (packet.cmd === 'subscribe') client.say({ cmd: 'suback', messageId: packet.messageId!, granted: [0] })
    else polite(packet, client)
  })
  await using opened = await Opened.at(at(broker, { qos: 0, prefetch: 3 }))
  for (let i = 1; i <= 8; i++) {
    broker.last.say({ cmd: 'publish', topic: 'a', qos: 0, dup: false, retain: false, payload: `m${i}` })
  }
  await until(() => opened.events.length === 5, { what: 'five drops' })
  assert.deepEqual(opened.events[0], { type: 'dropped', reason: 'buffer_full' })
  opened.grant(10)
  assert.deepEqual(opened.ids, ['m1', 'm2', 'm3'])
  assert.equal(opened.deliveries[0]!.message.properties.durable, false)
  broker.last.socket.destroy()
  await opened.source.closed
  assert.equal(
    opened.deliveries[0]!.lost.aborted,
    false,
    'the broker will not send it again: it is only here',
  )
  await opened.deliveries[0]!.settle('accepted')
})

test('QoS 2 that an older subscription of the session left: PUBREC only once settled, then PUBCOMP', async () => {
  await using broker = await ScriptedBroker.listen(5)
  await using opened = await Opened.at(at(broker, {}, { version: 5 }))
  opened.grant(10)
  broker.last.publish(7, 'm7', { qos: 2 })
  broker.last.publish(8, 'm8')
  await opened.came(2)
  assert.equal(broker.last.count('pubrec'), 0)
  for (const d of opened.deliveries) await d.settle('accepted')
  await broker.last.hears('pubrec', 1)
  await broker.last.hears('puback', 1)
  broker.last.say({ cmd: 'pubrel', messageId: 7 })
  await broker.last.hears('pubcomp', 1)
  assert.equal(opened.deliveries.length, 2)
})

test('decodes all that MQTT 5 carries', async () => {
  await using broker = await ScriptedBroker.listen(5)
  await using opened = await Opened.at(at(broker, {}, { version: 5 }))
  opened.grant(10)
  const userProperties = { tenant: 'a', many: ['1', '2'], ['__proto__']: 'x' }
  const correlationData = Buffer.of(0, 255)
  broker.last.publish(1, 'grüße', {
    topic: 'plant/1',
    retain: false,
    properties: {
      payloadFormatIndicator: true,
      contentType: 'text/plain',
      responseTopic: 'replies/1',
      correlationData,
      messageExpiryInterval: 60,
      topicAlias: 3,
      userProperties,
    },
  })
  broker.last.publish(2, '', { topic: '', properties: { topicAlias: 3 } })
  const notText = Buffer.of(0xc3, 0x28)
  broker.last.publish(3, '', { payload: notText, properties: { payloadFormatIndicator: true } })
  await opened.came(3)
  const [first, second, third] = opened.deliveries.map(d => d.message)
  assert.deepEqual(first!.body, { kind: 'text', text: 'grüße' })
  assert.deepEqual(first!.headers.many, {
    type: 'list',
    value: [
      { type: 'string', value: '1' },
      { type: 'string', value: '2' },
    ],
  })
  assert.deepEqual(first!.headers.tenant, { type: 'string', value: 'a' })
  const { expiresAt, ...rest } = first!.properties
  assert.ok(Math.abs(expiresAt! - Date.now() - 60_000) < 2000)
  assert.deepEqual(rest, {
    durable: true,
    correlationId: { type: 'bytes', value: correlationData },
    replyTo: 'replies/1',
    contentType: 'text/plain',
  })
  assert.equal(second!.address, 'plant/1', 'the topic that alias 3 stands for')
  assert.deepEqual(second!.body, { kind: 'bytes', bytes: Buffer.alloc(0) })
  assert.deepEqual(third!.body, { kind: 'bytes', bytes: notText })
})

test('asks for a session that stays: clean false, a stable client id, an expiry, Receive Maximum', async () => {
  await using broker = await ScriptedBroker.listen(5)
  await using opened = await Opened.at(at(broker, { prefetch: 7, session_expiry: '2h' }, { version: 5 }))
  const [connect, subscribe] = broker.last.heard
  assert.ok(connect?.cmd === 'connect' && subscribe?.cmd === 'subscribe')
  assert.equal(connect.clientId, 'sluice-test-route')
  assert.equal(connect.clean, false)
  assert.equal(connect.properties?.sessionExpiryInterval, 7200)
  assert.equal(connect.properties?.receiveMaximum, 7)
  assert.deepEqual(
    subscribe.subscriptions.map(s => [s.topic, s.qos, s.rh, s.rap]),
    [['a/b', 1, 2, false]],
  )
  assert.deepEqual(opened.notices, [])
})

test('a shared subscription subscribes as member of its group', async () => {
  await using broker = await ScriptedBroker.listen(5)
  await using _ = await Opened.at(at(broker, { share: 'bridges', topic: 'x/#' }, { version: 5 }))
  const subscribe = broker.last.heard[1]
  assert.ok(subscribe?.cmd === 'subscribe')
  assert.equal(subscribe.subscriptions[0]?.topic, '$share/bridges/x/#')
})

const refusals = [
  [4, 5, /credentials of user ada \(client id sluice-test-route\): not authorized \(5\)/],
  [4, 4, /wrong username or password \(4\)/],
  [4, 2, /does not accept the client id \(2\)/],
  [5, 134, /wrong username or password \(134\)/],
  [5, 133, /does not accept the client id \(133\)/],
  [5, 132, /set version/],
] as const
for (const [version, code, expected] of refusals) {
  test(`CONNACK ${code} of version ${version === 4 ? '3.1.1' : 5} is said in words`, async () => {
    await using broker = await ScriptedBroker.listen(version, (packet, client) => {
      if (packet.cmd === 'connect') {
        client.say({ cmd: 'connack', returnCode: code, reasonCode: code, sessionPresent: false })
      }
    })
    const place = at(broker, {}, { username: 'ada', password: 'x', version: version === 5 ? 5 : '3.1.1' })
    await assert.rejects(Opened.at(place), expected)
    await broker.last.gone()
  })
}

for (const [version, code, expected] of [
  [4, 128, /refused the subscription to a\/b/],
  [5, 135, /refused the subscription to a\/b: not authorized \(135\)/],
  [4, 0, /grants a\/b QoS 0 only/],
] as const) {
  test(`SUBACK ${code} of version ${version === 4 ? '3.1.1' : 5} fails the opening`, async () => {
    await using broker = await ScriptedBroker.listen(version, (packet, client) => {
      if (packet.cmd === 'subscribe')
        client.say({ cmd: 'suback', messageId: packet.messageId!, granted: [code] })
      else polite(packet, client)
    })
    await assert.rejects(Opened.at(at(broker, {}, { version: version === 5 ? 5 : '3.1.1' })), expected)
    await broker.last.gone()
  })
}

test('a port that accepts and stays silent ends the opening in time', async () => {
  await using broker = await ScriptedBroker.listen(4, () => {})
  await assert.rejects(
    Opened.at(at(broker, {}, { connect_timeout: '200ms' })),
    /the answer to CONNECT took longer than 0\.2 s/,
  )
  await broker.last.gone()
})

test('a broker that never answers SUBSCRIBE ends the opening in time', async () => {
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (packet.cmd === 'connect') polite(packet, client)
  })
  await assert.rejects(
    Opened.at(at(broker, {}, { connect_timeout: '200ms' })),
    /subscribing to a\/b took longer/,
  )
})

test('the signal ends the opening', async () => {
  await using broker = await ScriptedBroker.listen(4, () => {})
  const stop = new AbortController()
  const opening = Opened.at(at(broker), stop.signal)
  await until(() => broker.clients.length === 1, { what: 'the connection' })
  stop.abort(new Error('not wanted any more'))
  await assert.rejects(opening, /not wanted any more/)
  await broker.last.gone()
})

test('nobody listens: the error names the address', async () => {
  const server = createServer().listen(0)
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  await assert.rejects(
    Opened.at(at({ port })),
    new RegExp(`connecting to mqtt://127.0.0.1:${port}: .*ECONNREFUSED`),
  )
})

test('what is not MQTT ends the link with a reason', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  opened.grant(10)
  broker.last.publish(1, 'good')
  broker.last.socket.write(Buffer.of(0xf7, 0xff, 0xff, 0xff, 0xff, 0x01))
  const why = await opened.source.closed
  assert.match(why!.message, /not MQTT/)
  assert.deepEqual(opened.ids, ['good'])
})

test('a silent peer is noticed after two heartbeats, one that answers is not', async () => {
  let mute = false
  await using broker = await ScriptedBroker.listen(4, (packet, client) => {
    if (!mute) polite(packet, client)
  })
  await using opened = await Opened.at(at(broker, {}, { heartbeat: '1s' }))
  await broker.last.hears('pingreq', 6)
  mute = true
  const since = performance.now()
  const why = await opened.source.closed
  assert.match(why!.message, /silent for two heartbeats/)
  const took = performance.now() - since
  assert.ok(took > 1400 && took < 3500, `noticed after ${took} ms`)
})

test('pings go on while nothing is read, and silence then means nothing', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker, { prefetch: 2 }, { heartbeat: '1s' }))
  opened.grant(1)
  for (let id = 1; id <= 500; id++) broker.last.publish(id, 'x'.repeat(1000))
  await broker.last.hears('pingreq', 8)
  assert.equal(opened.deliveries.length, 1)
  opened.grant(1000)
  for (let i = 0; i < 500; i++) {
    await opened.came(i + 1)
    await opened.deliveries[i]!.settle('accepted')
  }
  await broker.last.hears('puback', 500)
})

test('a process that was busy for long does not take the peer for silent', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker, {}, { heartbeat: '1s' }))
  let ended = false
  void opened.source.closed.then(() => {
    ended = true
  })
  for (let i = 0; i < 2; i++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)
    const pings = broker.last.count('pingreq')
    await broker.last.hears('pingreq', pings + 2)
  }
  assert.equal(ended, false)
})

test('a session taken over by another client is reported and left alone', async () => {
  await using broker = await ScriptedBroker.listen(5)
  await using opened = await Opened.at(at(broker, {}, { version: 5 }))
  broker.last.say({ cmd: 'disconnect', reasonCode: 142 })
  const why = await opened.source.closed
  assert.ok(why instanceof LinkLost)
  assert.match(why.message, /another client took over the session of client id sluice-test-route/)
  assert.equal(why.retryAfter, 60_000)
  assert.deepEqual(opened.notices, [why.message])
})

describe('a connection closed soon after it was opened, for half a minute', () => {
  const opening = [30_000, 38_000, 46_000, 54_000]
  const livesOf = (memory: SessionMemory) => (opened: number, life: number) =>
    memory.closedByPeer(opened, opened + life, 'sluice-a-b')

  test('is taken for a stolen client id', () => {
    const livedFrom = livesOf(new SessionMemory())
    for (const opened of [0, 2_000, 4_000, 6_000, 8_000, 10_000]) {
      assert.equal(livedFrom(opened, 500).retryAfter, undefined, 'an unlucky network does that')
    }
    assert.equal(livedFrom(12_000, 10_001).retryAfter, undefined, 'a long life ends the row')
    for (const opened of opening) assert.equal(livedFrom(opened, 7_500).retryAfter, undefined)
    const why = livedFrom(62_000, 1_500)
    assert.equal(why.retryAfter, 60_000)
    assert.match(why.message, /5 times in a row: another client seems to use client id sluice-a-b/)
  })

  test('is not, where no connection could be opened in between: the broker was down', () => {
    const memory = new SessionMemory()
    const livedFrom = livesOf(memory)
    for (const opened of [...opening, 62_000, 70_000, 78_000]) {
      assert.equal(livedFrom(opened, 7_500).retryAfter, undefined)
      memory.notOpened()
    }
  })

  test('is not, where we came back late: the broker may have been down', () => {
    const livedFrom = livesOf(new SessionMemory())
    for (let opened = 0; opened < 200_000; opened += 12_500)
      assert.equal(livedFrom(opened, 7_000).retryAfter, undefined)
  })

  test('is not, where the broker does not listen, or does not answer, in between', async () => {
    for (const trouble of ['none', 'refuses', 'hangs up'] as const) {
      let hangsUp = false
      await using broker = await ScriptedBroker.listen(4, (packet, client) =>
        hangsUp ? client.socket.destroy() : polite(packet, client),
      )
      const place = at(broker)
      const memory = sessionMemory(place.connection, 'sluice-test-route')
      const now = performance.now()
      for (const ago of [36_000, 28_000, 20_000, 12_000]) livesOf(memory)(now - ago, 7_500)
      livesOf(memory)(now - 4_000, 4_000)
      if (trouble !== 'none') {
        hangsUp = trouble === 'hangs up'
        const { urls } = place.connection
        const port = hangsUp ? broker.port : 1
        Object.assign(urls[0]!, { port })
        await assert.rejects(Opened.at(place), /connecting to/)
        hangsUp = false
        Object.assign(urls[0]!, { port: broker.port })
      }
      const opened = await Opened.at(place)
      broker.last.socket.end()
      const why = await opened.source.closed
      assert.ok(why instanceof LinkLost)
      assert.equal(why.retryAfter, trouble === 'none' ? 60_000 : undefined, trouble)
    }
  })
})

test('a connection that the broker closes without a word: the link says so', async () => {
  await using broker = await ScriptedBroker.listen()
  await using opened = await Opened.at(at(broker))
  broker.last.socket.end()
  const why = await opened.source.closed
  assert.ok(why instanceof LinkLost)
  assert.equal(why.message, 'the broker closed the connection')
  assert.deepEqual(opened.notices, [])
})

test('a broker that says DISCONNECT together with CONNACK fails the opening, and no clock goes on', async () => {
  await using broker = await ScriptedBroker.listen(5, disconnectsWithConnack)
  const place = at(broker, {}, { version: 5 })
  const timers = () => process.getActiveResourcesInfo().filter(what => what === 'Timeout').length
  const before = timers()
  for (let i = 0; i < 5; i++) {
    await assert.rejects(Opened.at(place), (error: Error) =>
      /closed the connection: it is busy/.test(sentence(error)),
    )
  }
  await until(() => timers() <= before, { what: 'the clocks to end', timeout: 2_000 })
})

test('a session that the broker does not have any more, or keeps shorter than asked, is reported', async () => {
  let present = false
  await using broker = await ScriptedBroker.listen(5, (packet, client) => {
    if (packet.cmd === 'connect') {
      const properties = { sessionExpiryInterval: 86_400 }
      client.say({ cmd: 'connack', reasonCode: 0, sessionPresent: present, properties })
    } else polite(packet, client)
  })
  const place = at(broker, {}, { version: 5 })
  const notices: string[][] = []
  for (present of [false, true, false]) {
    const opened = await Opened.at(place)
    notices.push(opened.notices)
    await opened.source.close()
  }
  assert.equal(notices[0]!.length, 1)
  assert.match(notices[0]![0]!, /keeps the session for 1d only/)
  assert.deepEqual(notices[1], [])
  assert.match(notices[2]![0]!, /no session of ours any more.*lost there$/)
})

test('a broker that never says it has the session (ActiveMQ Classic) is doubted once, not at each reconnect', async () => {
  await using broker = await ScriptedBroker.listen()
  const place = at(broker)
  const notices: string[] = []
  for (let opening = 0; opening < 4; opening++) {
    const opened = await Opened.at(place)
    notices.push(...opened.notices)
    await opened.source.close()
  }
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /unless it never says/)
})
