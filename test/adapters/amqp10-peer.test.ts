import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, test } from 'node:test'
import type { Sender } from 'rhea'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { within } from '../../src/adapters/shared/within.ts'
import { LinkLost } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { creditOf, encoded, Peer, settleRange, socketOf, transfer } from './amqp10-peer.ts'
import { Consumer, parse } from './consumer.ts'
import { bytesOf } from './fixture.ts'
import { freePort, says } from './promises/expect.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** What no peer may send; each ends the connection, and nothing else. */
const garbage = {
  'a frame of no size': hex('00000000 02000000'),
  'a frame whose header is beyond its end': hex('00000008 ff000000'),
  'a frame of an unknown kind': hex('00000008 02770000'),
  'a performative that is none': hex('0000000c 02000000 0053ff45'),
  'a performative without a descriptor': hex('00000009 02000000 41'),
  'a transfer on a link that is none': hex('00000012 02000000 005314c00501 5203 4040 00'),
  text: Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
}

describe('amqp10 and a peer that misbehaves', () => {
  for (const [what, bytes] of Object.entries(garbage)) {
    test(`loses the link at ${what}, and nothing else`, async t => {
      const peer = await Peer.listen(t)
      const consumer = await peer.open(t, 'q')
      socketOf(peer.sender().connection).write(bytes)
      assert.ok((await within(5_000, 'noticing', consumer.source.closed)) instanceof Error)
    })
  }

  test('is not occupied by a disposition of four billion deliveries', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q')
    settleRange(peer.sender(), 0, 2 ** 32 - 1)
    consumer.grant(1)
    await until(() => peer.sender().sendable(), { what: 'credit', timeout: 2_000 })
    peer.sender().send({ body: 'x' })
    await consumer.came(1)
  })

  test('ends a connection that announces a frame of gigabytes', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q')
    socketOf(peer.sender().connection).write(hex('7fffffff 02000000'))
    const error = await within(5_000, 'noticing', consumer.source.closed)
    assert.match(error!.message, /announced a frame of 2147483647 bytes/)
  })

  test('notices a peer that falls silent in the middle of a frame', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q', {}, { heartbeat: '400ms' })
    const { connection } = peer.sender()
    socketOf(connection).write(hex('00000064 02000000 00'))
    socketOf(connection).cork()
    const error = await within(5_000, 'noticing', consumer.source.closed)
    assert.match(error!.message, /silent for 0.8 s/)
  })

  test('says so when something else answers', async t => {
    const server = createServer(socket => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const { port } = server.address() as AddressInfo
    const urls = [`amqp://127.0.0.1:${port}`]
    const at = parse(amqp10, 'q', { connection: { urls }, source: { queue: 'q' } })
    await assert.rejects(Consumer.open(amqp10, at), says(/no AMQP 1.0: .*Invalid protocol header/))
  })

  test('hands over a message that cannot be read to its end as bytes, and goes on', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q')
    consumer.grant(2)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    const broken = hex('005375 b0 7fffffff 61')
    transfer(peer.sender(), 0, broken)
    transfer(peer.sender(), 1, encoded('fine'))
    const [bad, fine] = await consumer.came(2)
    assert.deepEqual(bytesOf(bad!.message), broken)
    assert.match(JSON.stringify(bad!.message.annotations), /beyond the message/)
    assert.deepEqual(fine!.message.body, { kind: 'text', text: 'fine' })
    await bad!.settle('accepted')
  })

  test('never hands over a message that its sender aborted, and may have another instead', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q')
    consumer.grant(1)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    const whole = encoded('whole')
    transfer(peer.sender(), 0, whole.subarray(0, 5), { more: true })
    transfer(peer.sender(), 0, Buffer.alloc(0), { aborted: true })
    transfer(peer.sender(), 1, whole)
    await consumer.came(1)
    assert.deepEqual(consumer.ids, ['whole'])
  })

  test('counts on when delivery ids wrap around', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q')
    consumer.grant(4)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    const numbers = [2 ** 32 - 2, 2 ** 32 - 1, 0, 1]
    for (const id of numbers) transfer(peer.sender(), id, encoded(`m${id}`))
    const deliveries = await consumer.came(4)
    await Promise.all(deliveries.map(d => d.settle('accepted')))
    await consumer.source.close()
  })
})

describe('amqp10 and a peer that takes things back', () => {
  test('loses one delivery when the broker releases it, and keeps the link and the others', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q', { prefetch: 2 })
    consumer.grant(3)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    assert.equal(creditOf(peer.sender()), 2, 'no more than prefetch')
    const sent = ['a', 'b', 'c'].map(body => peer.sender().send({ body }))
    const [first, second] = await consumer.came(2)
    const { lost } = first!
    sent[0]!.update(true, { described: () => hex('') } as never)
    await until(() => lost.aborted, { what: 'the loss' })
    await assert.rejects(first!.settle('accepted'), LinkLost)
    assert.ok(!second!.lost.aborted)
    await consumer.came(3)
    await second!.settle('accepted')
    await until(() => sent[1]!.remote_settled, { what: 'the settlement of the second' })
  })

  test('notices a detached link while the connection and its other links live', async t => {
    const peer = await Peer.listen(t)
    const first = peer.at('q1')
    const second = { ...peer.at('q2'), connection: first.connection }
    const dying = (await Consumer.open(amqp10, first)).closeAfter(t)
    const living = (await Consumer.open(amqp10, second)).closeAfter(t)
    assert.equal(peer.sender(0).connection, peer.sender(1).connection)
    peer.sender(0).close({ condition: 'amqp:resource-deleted', description: 'the queue is gone' })
    const error = await within(5_000, 'noticing', dying.source.closed)
    assert.match(error!.message, /detached the link: amqp:resource-deleted: the queue is gone/)
    living.grant(1)
    await until(() => peer.sender(1).sendable(), { what: 'credit' })
    peer.sender(1).send({ body: 'x' })
    await living.came(1)
  })

  for (const [what, end, says] of [
    ['session', (peer: Peer) => peer.sender().session.close(), /ended the session/],
    ['connection', (peer: Peer) => peer.sender().connection.close(), /closed the connection/],
  ] as const) {
    test(`notices that the ${what} was ended without an error`, async t => {
      const peer = await Peer.listen(t)
      const consumer = await peer.open(t, 'q')
      end(peer)
      assert.match((await within(5_000, 'noticing', consumer.source.closed))!.message, says)
    })
  }

  test('fails to open when the broker refuses the link, and says why', async t => {
    const refuse = (sender: Sender) =>
      sender.close({ condition: 'amqp:unauthorized-access', description: 'not for you' })
    const peer = await Peer.listen(t, undefined, refuse)
    await assert.rejects(peer.open(t, 'q'), says(/reading queue q.*not for you/))
  })
})

describe('amqp10 and its peers', () => {
  test('has no more on its way than the bytes that were granted allow, and one when any byte is left', async t => {
    const peer = await Peer.listen(t, container => {
      container.on('sendable', ({ sender }) => {
        while (sender!.sendable()) sender!.send({ body: 'x'.repeat(1_000) })
      })
    })
    const consumer = await peer.open(t, 'q')
    consumer.source.grant(100, 1)
    await until(() => consumer.deliveries.length === 1, { what: 'one message' })
    consumer.source.grant(100, 5_000)
    await until(() => consumer.deliveries.length >= 5, { what: 'what the bytes allow' })
    await consumer.source.stop()
    assert.ok(consumer.deliveries.length <= 7, `${consumer.deliveries.length} came`)
  })

  test('tries its addresses in turn', async t => {
    const peer = await Peer.listen(t)
    const urls = [`amqp://127.0.0.1:${await freePort()}`, `amqp://127.0.0.1:${peer.port}`]
    await peer.open(t, 'q', {}, { urls })
  })

  test('closes a queue and only detaches a durable subscription, which closing would delete', async t => {
    const peer = await Peer.listen(t)
    const closed: unknown[] = []
    peer.container.on('sender_close', ({ sender }) => {
      closed.push((sender as unknown as { remote: { detach: { closed: boolean } } }).remote.detach.closed)
    })
    await (await peer.open(t, 'q')).source.close()
    const topic = { queue: undefined, topic: 't', subscription: 's' }
    await (await peer.open(t, 'q', topic)).source.close()
    assert.deepEqual(closed, [true, false])
    assert.equal(peer.sender(1).name, 's')
    assert.equal(peer.sender(1).connection.container_id, 'sluice-conformance-q')
  })

  test('releases what is unsettled before it closes', async t => {
    const peer = await Peer.listen(t)
    const outcomes: string[] = []
    for (const outcome of ['accepted', 'released', 'rejected']) {
      peer.container.on(outcome, () => outcomes.push(outcome))
    }
    const consumer = await peer.open(t, 'q')
    consumer.grant(3)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    for (const body of ['a', 'b', 'c']) peer.sender().send({ body })
    const [first, second] = await consumer.came(3)
    await first!.settle('accepted')
    await second!.settle('rejected')
    await consumer.source.close()
    assert.deepEqual(outcomes, ['accepted', 'rejected', 'released'])
  })
})
