import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPublishPacket, Packet } from 'mqtt-packet'
import { sinkSession } from '../../src/adapters/mqtt/client-options.ts'
import { Connection } from '../../src/adapters/mqtt/connection.ts'
import type { MqttPrepared } from '../../src/adapters/mqtt/encode.ts'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { Publisher } from '../../src/adapters/mqtt/publisher.ts'
import { suspicionOf } from '../../src/adapters/mqtt/suspicion.ts'
import { within } from '../../src/adapters/shared/within.ts'
import type { LinkEvent } from '../../src/core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable, sentence } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { type Conversation, disconnectsWithConnack, polite, ScriptedBroker } from './mqtt-scripted.ts'

type Answer = (packet: IPublishPacket, client: Conversation) => void
type Connack = NonNullable<(Packet & { cmd: 'connack' })['properties']>

/** A broker that answers PUBLISH as a test says, and PUBREL with PUBCOMP. */
const broker = (answer: Answer, version: 4 | 5 = 5, said: Connack = {}): Promise<ScriptedBroker> =>
  ScriptedBroker.listen(version, (packet, client) => {
    if (packet.cmd === 'connect') {
      client.say({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties: said })
    } else if (packet.cmd === 'publish') answer(packet, client)
    else if (packet.cmd === 'pubrel') client.say({ cmd: 'pubcomp', messageId: packet.messageId! })
    else polite(packet, client)
  })

const puback: Answer = ({ messageId }, client) => client.say({ cmd: 'puback', messageId: messageId! })
const silent: Answer = () => {}

function target(port: number, sink: object = {}, connection: object = {}) {
  const at = {
    connection: mqtt.connection.parse({
      urls: [`mqtt://127.0.0.1:${port}`],
      version: 5,
      connect_timeout: '2s',
      ...connection,
    }),
    connectionName: 'plant',
    route: 'route',
    options: mqtt.sink!.options.parse({ topic: '${headers.to}', ...sink }),
  }
  const events: LinkEvent[] = []
  const limits = { maxMessageSize: 100_000 }
  return {
    at,
    events,
    prepare: (address: string, body = '') => {
      const bytes = Buffer.from(body)
      return mqtt.sink!.prepare(at, limits, {
        address,
        body: { kind: 'bytes', bytes },
        properties: {},
        headers: {},
      })
    },
    open: (trial?: true) =>
      mqtt.sink!.open(at, {
        signal: new AbortController().signal,
        report: event => events.push(event),
        ...(trial && { trial }),
      }),
  }
}

const never = new AbortController().signal
const timers = () => process.getActiveResourcesInfo().filter(what => what === 'Timeout').length
const published = (client: Conversation) => client.heard.filter(p => p.cmd === 'publish')

test('what PUBACK refuses: who is at fault', async () => {
  for (const [code, chosen, fixed, text] of [
    [0x80, Error, Error, /it gives no reason \(128\): because/],
    [0x83, Error, Error, /a reason of its own \(131\)/],
    [0x87, MessageRefused, SinkUnavailable, /not authorized \(135\)/],
    [0x90, MessageRefused, SinkUnavailable, /does not accept the topic name \(144\)/],
    [0x97, SinkUnavailable, SinkUnavailable, /quota exceeded \(151\)/],
    [0x99, MessageRefused, MessageRefused, /payload format invalid \(153\)/],
  ] as const) {
    await using scripted = await broker(({ messageId }, client) =>
      client.say({
        cmd: 'puback',
        messageId: messageId!,
        reasonCode: code,
        properties: { reasonString: 'because' },
      }),
    )
    for (const [topic, expected] of [
      ['${headers.to}', chosen],
      ['a/b', fixed],
    ] as const) {
      const at = target(scripted.port, { topic })
      const sink = await at.open()
      await assert.rejects(sink.send(at.prepare('a/b'), never), (error: Error) => {
        assert.equal(error.constructor, expected, `${code} with ${topic}`)
        assert.match(error.message, /^the broker refused a message to a\/b: /)
        assert.equal(error instanceof SinkUnavailable && error.throttled, code === 0x97)
        return text.test(error.message)
      })
      await sink.close()
    }
  }
})

test('PUBACK 16, that nobody is subscribed, is a confirmation', async () => {
  await using scripted = await broker(({ messageId }, client) =>
    client.say({ cmd: 'puback', messageId: messageId!, reasonCode: 16 }),
  )
  const at = target(scripted.port)
  const sink = await at.open()
  assert.notEqual(await sink.send(at.prepare('a'), never), await sink.send(at.prepare('a'), never))
  await sink.close()
})

test('QoS 2 is confirmed by PUBCOMP, and is sent again as a new message when the link dies before', async () => {
  await using scripted = await ScriptedBroker.listen(5, (packet, client) => {
    if (packet.cmd === 'publish') client.say({ cmd: 'pubrec', messageId: packet.messageId! })
    else if (packet.cmd === 'pubrel' && scripted.clients.length > 1)
      client.say({ cmd: 'pubcomp', messageId: packet.messageId! })
    else if (packet.cmd !== 'pubrel') polite(packet, client)
  })
  const at = target(scripted.port, { qos: 2 })
  const prepared = at.prepare('a')
  const first = await at.open()
  const sending = first.send(prepared, never)
  sending.catch(() => {})
  await scripted.last.hears('pubrel', 1)
  scripted.last.socket.destroy()
  await assert.rejects(sending, LinkLost)
  const second = await at.open()
  assert.equal(scripted.last.count('publish'), 0, 'nothing is sent again by itself')
  await second.send(prepared, never)
  assert.deepEqual(
    published(scripted.last).map(p => p.dup),
    [false],
  )
  await second.close()
})

test('a PUBACK for QoS 2 is a confirmation that says what the broker lacks, once', async () => {
  await using scripted = await broker(puback, 4)
  const at = target(scripted.port, { qos: 2 }, { version: '3.1.1' })
  const sink = await at.open()
  for (let i = 0; i < 3; i++) await sink.send(at.prepare('a'), never)
  assert.deepEqual(at.events, [{ type: 'notice', text: 'the broker takes messages of QoS 2 as QoS 1' }])
  await sink.close()
})

test('no more are unconfirmed than the broker says, nor of QoS 2 before version 5 than Mosquitto keeps', async () => {
  for (const [version, qos, said, most] of [
    [5, 1, { receiveMaximum: 3 }, 3],
    [5, 2, { receiveMaximum: 3 }, 3],
    [5, 1, {}, 1_000],
    [4, 1, {}, 1_000],
    [4, 2, {}, 20],
  ] as const) {
    await using scripted = await broker(silent, version, said)
    const at = target(scripted.port, { qos }, { version: version === 4 ? '3.1.1' : 5 })
    const sink = await at.open()
    const sends = Array.from({ length: 1_005 }, () => sink.send(at.prepare('a'), never))
    for (const send of sends) send.catch(() => {})
    await scripted.last.hears('publish', most)
    await sink.check(never)
    assert.equal(scripted.last.count('publish'), most, `version ${version}, QoS ${qos}`)
    scripted.last.socket.destroy()
    await assert.rejects(Promise.all(sends), LinkLost)
  }
})

test('opens only where the broker has what the options ask for', async () => {
  for (const [said, options, text] of [
    [{ maximumQoS: 1 }, { qos: 2 }, 'the broker takes QoS 1 at most: set qos: 1 in place of 2'],
    [{ maximumQoS: 0 }, { qos: 1 }, 'the broker takes QoS 0 at most: set qos: 0 in place of 1'],
    [{ retainAvailable: false }, { retain: true }, 'the broker has no retained messages: leave retain out'],
  ] as const) {
    await using scripted = await broker(puback, 5, said)
    await assert.rejects(target(scripted.port, options).open(), { message: text })
    await scripted.last.gone()
    await (await target(scripted.port, { qos: 0 }).open()).close()
  }
})

test('Maximum Packet Size is a limit, also for what was prepared before it was known', async () => {
  await using scripted = await broker(puback, 5, { maximumPacketSize: 20 })
  const at = target(scripted.port)
  const sink = await at.open()
  assert.equal(sink.limits.maxMessageSize, 20)
  await assert.rejects(sink.send(at.prepare('x'.repeat(50)), never), (error: Error) => {
    assert.ok(error instanceof MessageRefused)
    return /the message has \d+ bytes, and the broker takes 20/.test(error.message)
  })
  await sink.close()
})

test('each link is a client of its own; one with a client_id is not disturbed by a trial', async () => {
  await using scripted = await broker(puback)
  const ids = async (sink: object, trial?: true) => {
    const link = await target(scripted.port, sink).open(trial)
    await link.close()
    const connect = scripted.last.heard[0]
    assert.ok(connect?.cmd === 'connect' && connect.clean)
    return connect.clientId
  }
  const [one, two] = [await ids({}), await ids({})]
  assert.match(one, /^sluice-plant-route-[0-9a-f]{8}$/)
  assert.notEqual(one, two)
  assert.equal(await ids({ client_id: 'mine' }), 'mine')
  assert.match(await ids({ client_id: 'mine' }, true), /^mine-trial-/)
})

test('a message left unanswered is refused in the end, when others are confirmed, and they are not disturbed', async () => {
  // ActiveMQ Classic does so with a topic that is forbidden.
  await using scripted = await broker((packet, client) => {
    if (packet.topic !== 'forbidden') puback(packet, client)
  })
  const at = target(scripted.port, { send_timeout: '100ms' })
  const sink = await at.open()
  const guilty = at.prepare('forbidden')
  const said: Error[] = []
  while (!(said.at(-1) instanceof MessageRefused)) {
    const sending = sink.send(guilty, never)
    await sink.send(at.prepare('fine'), never)
    await sending.catch(error => said.push(error))
  }
  assert.deepEqual(
    said.map(error => error.constructor),
    [SinkUnavailable, SinkUnavailable, MessageRefused],
  )
  assert.match(sentence(said[2]), /did not confirm a message to forbidden within 0.1 s, time and again/)
  assert.equal(scripted.clients.length, 1)
  await sink.close()
})

test('a broker that confirms nothing is the target at fault, for as long as it may take', async () => {
  await using scripted = await broker(silent)
  const at = target(scripted.port, { send_timeout: '100ms' })
  const sink = await at.open()
  const prepared = at.prepare('a')
  for (let i = 0; i < 6; i++) await assert.rejects(sink.send(prepared, never), SinkUnavailable)
  await sink.close()
})

test('answers that never come do not use up the room: the link is given up for another', async () => {
  let count = 0
  const most = 10
  await using scripted = await broker(
    (packet, client) => {
      if (++count % 2 === 0) puback(packet, client)
    },
    5,
    { receiveMaximum: most },
  )
  const at = target(scripted.port, { send_timeout: '100ms' })
  const sink = await at.open()
  let gone = false
  void sink.closed.then(() => {
    gone = true
  })
  while (!gone) {
    await sink.send(at.prepare('a'), never).catch(() => {})
    await new Promise(setImmediate)
  }
  const reason = await sink.closed
  assert.ok(reason instanceof LinkLost)
  assert.match(reason.message, /the broker left 6 messages unanswered/)
})

test('a broker that confirms nothing at all, until there is no room: the link is given up for another', async () => {
  await using scripted = await broker(silent, 5, { receiveMaximum: 3 })
  const at = target(scripted.port, { send_timeout: '100ms' })
  const sink = await at.open()
  const sends = Array.from({ length: 6 }, () => sink.send(at.prepare('a'), never))
  const ends = await Promise.allSettled(sends)
  assert.deepEqual([...new Set(ends.map(end => end.status))], ['rejected'])
  const reason = await within(2_000, 'the end of the link', sink.closed)
  assert.match(String(reason), /the broker left 3 messages unanswered/)
})

test('a broker that confirms nothing for long is reported, and so is the end of it', async () => {
  let held: (() => void)[] | undefined = []
  await using scripted = await broker((packet, client) => {
    if (held) held.push(() => puback(packet, client))
    else puback(packet, client)
  })
  const at = target(scripted.port)
  const sink = await at.open()
  const sending = sink.send(at.prepare('a'), never)
  await until(() => at.events.length > 0, { what: 'a notice' })
  for (const answer of held) answer()
  held = undefined
  await sending
  await sink.send(at.prepare('a'), never)
  assert.deepEqual(
    at.events.map(e => e.type === 'notice' && e.text),
    [
      'the broker has confirmed no message for 5 s: it may be holding up its publishers',
      'the broker confirms messages again',
    ],
  )
  await sink.close()
})

/** Sends until each is confirmed or refused, as a route does: opens again when the link is gone. */
async function through(
  at: ReturnType<typeof target>,
  topics: readonly string[],
  links: number,
  before: readonly MqttPrepared[] = [],
) {
  const left = new Map([...before, ...topics.map(topic => at.prepare(topic))].map(p => [p, p.topic]))
  const refused: Error[] = []
  let opened = 0
  while (left.size > 0 && opened < links) {
    const sink = await at.open()
    opened++
    await Promise.all(
      Array.from(left.keys(), async prepared => {
        try {
          await sink.send(prepared, never)
          left.delete(prepared)
        } catch (error) {
          if (!(error instanceof MessageRefused)) return
          refused.push(error)
          left.delete(prepared)
        }
      }),
    )
    await sink.close()
  }
  return { opened, refused, left: [...left.values()] }
}

const hangsUp: Answer = (packet, client) => {
  if (packet.topic === 'forbidden') client.socket.destroy()
  else puback(packet, client)
}

test('a message on which the broker hangs up is found out, wherever it stands', async () => {
  for (const place of [0, 5, 9]) {
    await using scripted = await broker(hangsUp)
    const topics = Array.from({ length: 10 }, (_, i) => (i === place ? 'forbidden' : `t${i}`))
    // The last is alone in the end, with nobody to show that it is not the broker.
    const { refused, left } = await through(target(scripted.port), topics, place === 9 ? 7 : 5)
    assert.deepEqual(left, [], `at ${place}`)
    assert.equal(refused.length, 1)
    assert.match(
      sentence(refused[0]),
      /closes the connection each time this message is published to forbidden/,
    )
  }
})

test('a message on which the broker hangs up is found out among others to one topic', async () => {
  await using scripted = await broker((packet, client) => {
    if (packet.payload.length > 0) client.socket.destroy()
    else puback(packet, client)
  })
  const at = target(scripted.port, { topic: 'a' })
  const { refused, left } = await through(at, ['a', 'a', 'a'], 5, [at.prepare('a', 'large')])
  assert.deepEqual([refused.length, left], [1, []])
})

test('two such messages, neither of which is alone in flight, are both found out', async () => {
  await using scripted = await broker(hangsUp)
  const topics = ['a', 'forbidden', 'b', 'forbidden', 'c']
  const { refused, left } = await through(target(scripted.port), topics, 12)
  assert.deepEqual([refused.length, left], [2, []])
})

test('alone it is found out as well where a template chose its topic, and never where the topic is fixed', async () => {
  await using scripted = await broker(hangsUp)
  const chosen = await through(target(scripted.port), ['forbidden'], 20)
  assert.deepEqual([chosen.opened, chosen.refused.length], [7, 1])
  const fixed = await through(target(scripted.port, { topic: 'forbidden' }), ['forbidden'], 20)
  assert.deepEqual([fixed.opened, fixed.refused.length], [20, 0])
})

test('a broker that hangs up for reasons of its own suspects nobody', async () => {
  await using scripted = await broker((_, client) => {
    client.say({ cmd: 'disconnect', reasonCode: 139 })
    client.socket.end()
  })
  const { refused, left } = await through(target(scripted.port), ['a'], 20)
  assert.deepEqual([refused.length, left], [0, ['a']])
})

test('a broker that says DISCONNECT together with CONNACK fails the opening, and no clock goes on', async () => {
  await using scripted = await ScriptedBroker.listen(5, disconnectsWithConnack)
  const at = target(scripted.port)
  const before = timers()
  for (let i = 0; i < 5; i++) {
    await assert.rejects(at.open(), (error: Error) =>
      /closed the connection: it is busy/.test(sentence(error)),
    )
  }
  await until(() => timers() <= before, { what: 'the clocks to end', timeout: 2_000 })
})

test('a publisher whose connection is gone already has no clock, and sends nothing', async () => {
  await using scripted = await broker(puback)
  const { at, prepare } = target(scripted.port)
  const connection = await Connection.open(at.connection.urls[0]!, sinkSession(at, false), never)
  connection.fail(new Error('cut'))
  await connection.closed
  const before = timers()
  const publisher = new Publisher(connection, {
    qos: 1,
    chosen: true,
    window: 10,
    timeout: 1_000,
    suspicion: suspicionOf(at.options),
    notice: () => {},
  })
  assert.equal(timers(), before)
  await assert.rejects(publisher.send(prepare('a'), never), LinkLost)
})

test('check asks the broker, and says when it does not answer', async () => {
  let answers = true
  await using scripted = await ScriptedBroker.listen(5, (packet, client) => {
    if (packet.cmd !== 'pingreq' || answers) polite(packet, client)
  })
  const sink = await target(scripted.port, {}, { connect_timeout: '300ms' }).open()
  await sink.check(never)
  answers = false
  await assert.rejects(sink.check(never), SinkUnavailable)
  scripted.last.socket.destroy()
  await sink.closed
  await assert.rejects(sink.check(never), LinkLost)
})

test('QoS 0 counts as sent once it is written, without an answer', async () => {
  await using scripted = await broker(silent)
  const at = target(scripted.port, { qos: 0 })
  const sink = await at.open()
  await within(1_000, 'sending', Promise.all([1, 2, 3].map(i => sink.send(at.prepare(`t${i}`), never))))
  await scripted.last.hears('publish', 3)
  await sink.close()
})
