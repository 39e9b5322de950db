import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, bodiesIn, deadFolder, numbered, quick, suiteAws } from './setting.ts'
import { sources } from './sources.ts'

let aws: TestAws
const { broker: name, open: openSource } = sources.amqp10Rabbit4

await describeOnBroker(name, 'the bridge that nobody watches', broker => {
  suiteAws(started => {
    aws = started
  })

  test('stops dead-lettering when a mapping is wrong: what is left at the broker is carried when it is right again', async t => {
    const open = await openSource(broker)
    t.after(() => open.close())
    const place = await open.create()
    const dead = deadFolder(t)
    await aws.createQueue('night')
    const { connection, from } = open.config(place)
    const config = (mapping: object[]) => ({
      defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
      connections: { broker: connection, cloud: awsConnection('sqs', aws, true) },
      routes: {
        night: {
          from: { connection: 'broker', ...from },
          mapping,
          targets: { main: { connection: 'cloud', queue: 'night' } },
        },
      },
    })
    const bodies = numbered(1_000)
    await open.produce(place, bodies)
    const wrong = await runBridge(t, config([{ set: { headers: { tenant: '${headers.tennant}' } } }]))
    const { reason } = await wrong.logged({ route: 'night', msg: /route paused/ })
    assert.match(reason!, /^20 of the last 20 messages became dead letters, the last one because: .*tennant/)
    await until(async () => (await dead.letters()).length === 20, { what: 'twenty dead letters' })
    assert.equal(await wrong.metric('sluice_route_paused', { route: 'night' }), 1)
    const held = await wrong.metric('sluice_messages_buffered')
    assert.ok(held < 1_000 - 20, `${held} are held, and the rest is at the broker`)
    const began = performance.now()
    assert.equal(await wrong.stop(), 0)
    assert.ok(performance.now() - began < 10_000, 'what is held is given back at once')
    const letters = await dead.letters()
    assert.equal(letters.length, 20)

    const right = await runBridge(t, config([]))
    const gone = new Set(
      letters.map(({ message: { body } }) =>
        body.kind === 'bytes' ? Buffer.from(body.bytes).toString() : body.kind === 'text' ? body.text : '',
      ),
    )
    const rest = bodies.filter(body => !gone.has(body.toString()))
    assert.equal(rest.length, 980)
    await arrived(aws, 'night', rest)
    assert.equal(bodiesIn(aws, 'night').length, 980)
    assert.equal(await right.stop(), 0)
  })

  test('does not send what has expired by the time that its target is back', async t => {
    const open = await openSource(broker)
    t.after(() => open.close())
    const place = await open.create()
    const dead = deadFolder(t)
    await aws.createQueue('late')
    const { connection, from } = open.config(place)
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
      connections: { broker: connection, cloud: awsConnection('sqs', aws) },
      routes: {
        late: {
          from: { connection: 'broker', ...from },
          mapping: [{ set: { expires_in: '${$exists(headers.short) ? "2s" : "1h"}' } }],
          targets: { main: { connection: 'cloud', queue: 'late', send_timeout: '1s' } },
        },
      },
    })
    await bridge.connected()
    await aws.faults.goDown()
    for (let i = 0; i < 3; i++) await open.send(place, Buffer.from(`short ${i}`), { short: 'yes' })
    await open.produce(place, numbered(3, 'long '))
    await until(async () => (await bridge.metric('sluice_messages_expired_total')) === 3, {
      what: 'the short ones to expire',
    })
    await aws.faults.comeUp()
    await arrived(aws, 'late', numbered(3, 'long '))
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(bodiesIn(aws, 'late').sort(), ['long 0', 'long 1', 'long 2'])
    assert.deepEqual(await dead.letters(), [])
  })
})
