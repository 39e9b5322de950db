import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { text } from '../../src/core/value.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { runBridge } from '../support/bridge-process.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import {
  arrived,
  awsConnection,
  bodiesIn,
  bytesOf,
  deadFolder,
  inQueue,
  numbered,
  quick,
  suiteAws,
} from './setting.ts'
import { sources } from './sources.ts'

let aws: TestAws
let other: TestAws

/** No header of SQS can have this name. */
const headers = { 'the tenant': 'acme' }
const bad = Buffer.from('a\0b')
let names = 0

/** MQTT, where a message that is not settled holds the acknowledgement of all that follow. */
const source = sources.mqtt5

/** A bridge whose dead letters go to these places, in another cloud than its messages. */
async function bridgeTo(t: TestContext, broker: Broker, places: readonly object[]) {
  const open = await source.open(broker)
  t.after(() => open.close())
  const place = await open.create()
  const queue = `carried-${++names}`
  await aws.createQueue(queue)
  const { connection, from } = open.config(place)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: places },
    connections: {
      broker: connection,
      cloud: awsConnection('sqs', aws),
      dead: awsConnection('sqs', other),
    },
    routes: {
      only: {
        from: { connection: 'broker', ...from },
        targets: { main: { connection: 'cloud', queue, attributes: { overflow: 'refuse' } } },
      },
    },
  })
  await bridge.connected()
  const produce = (bodies: readonly Uint8Array[]) => open.produce(place, bodies)
  const refused = (body: Uint8Array) => open.send(place, body, headers)
  const settled = (count: number) =>
    until(async () => (await bridge.metric('sluice_messages_settled_total')) === count, {
      what: `${count} settled`,
      timeout: 30_000,
    })
  return { bridge, queue, produce, refused, settled }
}

await describeOnBroker(source.broker, 'a dead letter', broker => {
  suiteAws(started => {
    aws = started
  })
  suiteAws(started => {
    other = started
  })
  test('goes to the next place where the first is missing, and to the first once it is there', async t => {
    const dead = deadFolder(t)
    const places = [{ connection: 'dead', queue: 'dead-later' }, { folder: dead.path }]
    const { bridge, queue, produce, refused, settled } = await bridgeTo(t, broker, places)
    await bridge.logged({ msg: /trying again/, reason: /queue dead-later does not exist/ })
    await refused(bad)
    await produce([Buffer.from('good')])
    await arrived(aws, queue, [Buffer.from('good')])
    await settled(2)
    const [letter] = await dead.letters()
    assert.deepEqual(bytesOf(letter!.message), bad)
    assert.deepEqual(letter!.message.headers, { 'the tenant': text('acme') })
    assert.match(letter!.reason, /the header "the tenant" cannot be an attribute/)
    await bridge.logged({ level: 'error', msg: /next is tried/, to: /dead-later/ })

    await other.createQueue('dead-later')
    await bridge.logged({ msg: 'connected', link: /dead/, level: 'info', place: /dead-later/ })
    await refused(bad)
    await settled(3)
    assert.deepEqual(bytesOf(readRecord(bodiesIn(other, 'dead-later')[0]!).message), bad)
    assert.equal((await dead.letters()).length, 1)
  })

  test('goes to the next place where the first refuses it, denies access or answers nothing', async t => {
    const dead = deadFolder(t)
    await other.createQueue('dead-small', { MaximumMessageSize: '1024' })
    const places = [{ connection: 'dead', queue: 'dead-small', send_timeout: '1s' }, { folder: dead.path }]
    const { bridge, queue, produce, refused, settled } = await bridgeTo(t, broker, places)
    await bridge.logged({ msg: 'connected', place: /dead-small/ })
    const large = Buffer.concat([bad, Buffer.alloc(2_000, 'x')])
    await refused(large)
    await settled(1)
    assert.equal((await dead.letters()).length, 1)

    const denied = other.faults.failCalls({ action: 'SendMessageBatch', code: 'AccessDenied', status: 403 })
    await refused(bad)
    await settled(2)
    denied.end()
    assert.equal((await dead.letters()).length, 2)

    const silent = other.faults.leaveUnanswered({ action: 'SendMessageBatch' })
    await refused(bad)
    await produce([Buffer.from('good')])
    await arrived(aws, queue, [Buffer.from('good')])
    await settled(4)
    silent.end()
    const letters = await dead.letters()
    assert.deepEqual(
      letters.map(l => bytesOf(l.message).length).sort(),
      [bad.length, bad.length, large.length].sort(),
    )
    assert.equal(inQueue(other, 'dead-small').length, 0)
    assert.equal(await bridge.metric('sluice_dead_letters_failed_total'), 3)
  })

  test('waits when its only place is down and holds up nobody, then goes there', async t => {
    await other.createQueue('dead-only')
    const places = [{ connection: 'dead', queue: 'dead-only' }]
    const { bridge, queue, produce, refused, settled } = await bridgeTo(t, broker, places)
    await bridge.logged({ msg: 'connected', place: /dead-only/ })
    await other.faults.goDown()
    await refused(bad)
    await produce(numbered(200))
    await arrived(aws, queue, numbered(200))
    await bridge.logged({ level: 'error', msg: /did not take one/, to: /dead-only/ })
    assert.equal(await bridge.metric('sluice_messages_dead_lettered_total'), 0)
    assert.ok((await bridge.metric('sluice_messages_buffered')) >= 1)
    await other.faults.comeUp()
    await settled(201)
    assert.deepEqual(bytesOf(readRecord(bodiesIn(other, 'dead-only')[0]!).message), bad)
    assert.equal(await bridge.metric('sluice_messages_buffered'), 0)
    assert.equal(await bridge.stop(), 0)
  })
})
