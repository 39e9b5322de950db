import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { within } from '../../src/adapters/shared/within.ts'
import { stomp } from '../../src/adapters/stomp/index.ts'
import { sentence } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { Peer, socketOf, transfer } from './amqp10-peer.ts'
import { Peer091 } from './amqp091-peer.ts'
import { Consumer, parse } from './consumer.ts'
import { endpoint, Opened } from './mqtt-opened.ts'
import { ScriptedBroker } from './mqtt-scripted.ts'
import { FakeBroker } from './stomp-fake.ts'

const most = 2 ** 20
const limited = { max_message_size: '1MiB' }
const piece = Buffer.alloc(64 * 1024, 'x')

/** Writes for as long as the other side reads, at most 64 MiB; returns how much that was. */
async function flood(socket: Socket, write: () => boolean): Promise<number> {
  const before = socket.bytesWritten
  const gone = once(socket, 'close').catch(() => {})
  while (!socket.destroyed && socket.bytesWritten - before < 64 * most) {
    if (write()) await new Promise(setImmediate)
    else await Promise.race([new Promise(resolve => socket.once('drain', resolve)), gone])
  }
  return socket.bytesWritten - before
}

async function reasonOf(source: { readonly closed: Promise<Error | undefined> }): Promise<string> {
  return sentence(await within(5_000, 'noticing', source.closed))
}

describe('a message that is too large ends the link, before it is in memory', () => {
  test('amqp10: transfers without end', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q', limited)
    consumer.grant(1)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    let sent = 0
    const timer = setInterval(() => {
      transfer(peer.sender(), 0, piece, { more: true })
      sent += piece.length
    }, 1)
    t.after(() => clearInterval(timer))
    assert.match(await reasonOf(consumer.source), /more than the 1048576 bytes that max_message_size allows/)
    clearInterval(timer)
    assert.ok(sent < 8 * most, `${sent} bytes`)
  })

  test('amqp10: transfers of nothing without end', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q', limited)
    consumer.grant(1)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    for (let i = 0; i < 5_000; i++) transfer(peer.sender(), 0, Buffer.alloc(0), { more: true })
    assert.match(await reasonOf(consumer.source), /max_message_size/)
  })

  test('amqp10: one of exactly the limit passes', async t => {
    const peer = await Peer.listen(t)
    const consumer = await peer.open(t, 'q', limited)
    consumer.grant(1)
    await until(() => peer.sender().sendable(), { what: 'credit' })
    const whole = Buffer.concat([Buffer.from('005375b0000ffff8', 'hex'), Buffer.alloc(most - 8)])
    for (let at = 0; at < most; at += piece.length) {
      transfer(peer.sender(), 0, whole.subarray(at, at + piece.length), { more: at + piece.length < most })
    }
    const [delivery] = await consumer.came(1)
    assert.equal(delivery!.size, most)
    assert.equal(socketOf(peer.sender().connection).destroyed, false)
  })

  async function consuming(t: Parameters<typeof Peer091.listen>[0]) {
    const peer = await Peer091.listen(t)
    const urls = [`amqp://127.0.0.1:${peer.port}`]
    const at = parse(amqp091, 'q', {
      connection: { urls, username: 'guest', password: 'guest' },
      source: { queue: 'q', ...limited },
    })
    const consumer = (await Consumer.open(amqp091, at)).closeAfter(t)
    consumer.grant(1)
    return { peer, consumer, tag: await peer.consuming }
  }

  test('amqp091: a content header of 2^60 bytes', async t => {
    const { peer, consumer, tag } = await consuming(t)
    peer.announce(tag, 2n ** 60n)
    assert.match(
      await reasonOf(consumer.source),
      /has 1152921504606847000 bytes, and max_message_size is 1048576/,
    )
  })

  test('amqp091: body frames of one byte', async t => {
    const { peer, consumer, tag } = await consuming(t)
    peer.announce(tag, BigInt(most))
    for (let i = 0; i < 5_000; i++) peer.frame(3, Buffer.of(1))
    assert.match(await reasonOf(consumer.source), /more than 1048576 bytes/)
  })

  test('amqp091: a frame of 2 GB', async t => {
    const { peer, consumer } = await consuming(t)
    peer.socket.write(Buffer.from('0300017fffffff', 'hex'))
    const written = await flood(peer.socket, () => peer.socket.write(piece))
    assert.ok(written < 8 * most, `${written} bytes`)
    assert.match(await reasonOf(consumer.source), /Frame size 2147483647 exceeds maxFrameSize 1048576/)
  })

  for (const version of [4, 5] as const) {
    test(`mqtt ${version}: a packet of 256 MB`, async () => {
      await using broker = await ScriptedBroker.listen(version)
      const urls = [`mqtt://127.0.0.1:${broker.port}`]
      await using opened = await Opened.at(endpoint({ urls, version: version === 5 ? 5 : '3.1.1' }, limited))
      const { socket } = broker.last
      broker.last.publish(1, 'before')
      socket.write(Buffer.of(0x32, 0xff, 0xff, 0xff, 0x7f))
      const written = await flood(socket, () => socket.write(piece))
      assert.ok(written < 8 * most, `${written} bytes`)
      assert.match(
        await reasonOf(opened.source),
        /announced a packet of 268435455 bytes.*max_message_size is 1048576/,
      )
    })
  }

  test('mqtt: the limit is not told to the broker, which would drop what is larger without a word', async () => {
    await using broker = await ScriptedBroker.listen(5)
    await using _ = await Opened.at(
      endpoint({ urls: [`mqtt://127.0.0.1:${broker.port}`], version: 5 }, limited),
    )
    const connect = broker.last.heard[0] as { properties?: { maximumPacketSize?: number } }
    assert.equal(connect.properties?.maximumPacketSize, undefined)
  })

  for (const [what, head] of [
    ['a body of 10 GB', 'MESSAGE\ncontent-length:10000000000\n\n'],
    ['a body without end', 'MESSAGE\n\n'],
    ['headers without end', 'MESSAGE\nname:'],
  ]) {
    test(`stomp: ${what}`, async t => {
      const broker = await FakeBroker.start(t)
      const at = parse(stomp, 'q', { connection: { urls: [broker.url] }, source: { queue: 'q', ...limited } })
      const consumer = (await Consumer.open(stomp, at)).closeAfter(t)
      consumer.grant(1)
      await broker.hears('SUBSCRIBE')
      broker.send(head!)
      const timer = setInterval(() => broker.send(piece), 1)
      t.after(() => clearInterval(timer))
      assert.match(await reasonOf(consumer.source), /more than 1048576 bytes.*max_message_size/)
    })
  }
})
