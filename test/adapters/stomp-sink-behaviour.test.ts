import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { within } from '../../src/adapters/shared/within.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { text } from '../../src/core/value.ts'
import { until } from '../support/until.ts'
import { type Answer, FakeBroker, polite, type Said } from './stomp-fake.ts'
import { answering, bodyOf, never, open, receipt } from './stomp-sink-scripted.ts'

describe('STOMP sink', { timeout: 30_000 }, () => {
  test('an ERROR with a receipt-id ends its own send, and the link lives', async t => {
    const broker = await FakeBroker.start(
      t,
      answering('ActiveMQ/6', said =>
        said.headers.get('destination') === '/queue/bad'
          ? `ERROR\nreceipt-id:${said.headers.get('receipt')}\nmessage:queue bad does not exist\n\n\0`
          : receipt(said),
      ),
    )
    const { send, sink } = await open(t, broker, { to: { queue: '${q}' } })
    const sends = [send('a', 'good'), send('b', 'bad'), send('c', 'good')]
    const [a, b, c] = await Promise.allSettled(sends)
    assert.equal(a?.status, 'fulfilled')
    assert.equal(c?.status, 'fulfilled')
    assert.ok(b?.status === 'rejected' && b.reason instanceof MessageRefused)
    assert.match(b.reason.message, /sending to queue bad: the broker said: queue bad does not exist/)
    assert.equal(await Promise.race([sink.closed, 'open']), 'open')
  })

  test('the same fault of a fixed place is the fault of the target', async t => {
    const broker = await FakeBroker.start(
      t,
      answering(
        'ActiveMQ/6',
        said =>
          `ERROR\nreceipt-id:${said.headers.get('receipt')}\nmessage:User bob is not authorized to write to: queue://Q\n\n\0`,
      ),
    )
    const { send } = await open(t, broker)
    await assert.rejects(send('a'), SinkUnavailable)
  })

  test('an ERROR that names nobody is of those who are left when the others are confirmed', async t => {
    let first: Said | undefined
    const broker = await FakeBroker.start(
      t,
      answering('RabbitMQ/4.0.5', said => {
        first ??= said
        if (said.headers.get('destination') === '/bad') return 'ERROR\nmessage:Unknown destination\n\n\0'
        return said === first ? undefined : receipt(said)
      }),
    )
    const { send, sink } = await open(t, broker, { to: { address: '${a}' } })
    const late = send('a', '/topic/x')
    const bad = send('b', '/bad')
    bad.catch(() => {})
    await send('c', '/topic/x')
    await broker.hears('SEND', 3)
    const held = send('d', '/topic/x')
    await until(() => broker.heard('SEND').length === 3, { what: 'nothing more meanwhile' })
    broker.send(receipt(first!))
    await assert.rejects(bad, MessageRefused)
    await Promise.all([late, held])
    assert.equal(await Promise.race([sink.closed, 'open']), 'open')
  })

  test('the end of the broker is nobody’s fault', async t => {
    for (const words of [
      "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'",
      'AMQ339010 Connection is not valid.',
    ]) {
      const broker = await FakeBroker.start(
        t,
        answering('x', () => `ERROR\nmessage:${words}\n\n\0`),
      )
      const { send, sink } = await open(t, broker)
      await assert.rejects(send('a'), LinkLost)
      assert.match(String(await sink.closed), /the broker said/)
    }
  })

  test('an ERROR that ends the connection makes suspects, who are sent one by one, and finds the guilty', async t => {
    const error = 'ERROR\nmessage:The maximum header length was exceeded\n\n\0'
    const broker = await FakeBroker.start(
      t,
      answering('x', said => {
        if (bodyOf(said) !== 'bad') return undefined
        setImmediate(() => broker.hangUp())
        return error
      }),
    )
    const { prepare, sink, link } = await open(t, broker, { to: { queue: '${q}' } })
    const messages = ['a', 'bad', 'c'].map(body => prepare(body, 'Q'))
    const fates = await Promise.allSettled(messages.map(m => sink.send(m, never)))
    assert.ok(fates.every(f => f.status === 'rejected' && f.reason instanceof LinkLost))
    const next = await link()
    broker.said.length = 0
    const again = messages.map(m => next.send(m, never))
    for (const send of again) send.catch(() => {})
    const [one] = await broker.hears('SEND')
    assert.equal(broker.heard('SEND').length, 1, 'nobody beside it')
    broker.send(receipt(one!))
    await again[0]
    await assert.rejects(again[1]!, MessageRefused)
  })

  test('a broker that confirms nothing is reported, and when it goes on', async t => {
    const broker = await FakeBroker.start(
      t,
      answering('x', () => undefined),
    )
    const { send, events } = await open(t, broker)
    const sent = send('a')
    const texts = () => events.map(e => (e.type === 'notice' ? e.text : ''))
    await until(() => events.length === 1, { what: 'a notice', timeout: 8_000 })
    assert.match(texts()[0]!, /confirmed nothing for 5 s/)
    broker.send(receipt(broker.heard('SEND')[0]!))
    await sent
    assert.match(texts()[1]!, /confirms messages again/)
  })

  test('a send that is not confirmed in time is unavailable, and its late receipt is of no harm', async t => {
    const broker = await FakeBroker.start(
      t,
      answering('x', () => undefined),
    )
    const { send, sink } = await open(t, broker, { to: { queue: 'Q', send_timeout: '200ms' } })
    await assert.rejects(send('a'), error => {
      assert.ok(error instanceof SinkUnavailable)
      assert.match(error.message, /queue Q: .*not confirmed it within 0.2 s \(send_timeout\)/)
      return true
    })
    broker.send(receipt(broker.heard('SEND')[0]!))
    const next = send('b')
    const [, second] = await broker.hears('SEND', 2)
    broker.send(receipt(second!))
    await next
    assert.equal(await Promise.race([sink.closed, 'open']), 'open')
  })

  test('check asks whether the broker takes anything', async t => {
    const silent: Answer = said => (said.command === 'BEGIN' ? undefined : polite()(said))
    const broker = await FakeBroker.start(t, silent)
    const { sink } = await open(t, broker, { to: { queue: 'Q', send_timeout: '200ms' } })
    await assert.rejects(sink.check(never), error => {
      assert.ok(error instanceof SinkUnavailable)
      assert.match(error.message, /checking queue Q/)
      return true
    })
    const { sink: other } = await open(t, await FakeBroker.start(t))
    await within(2_000, 'checking', other.check(never))
  })

  test('a temporary queue of our own connection, and no name at all, are refused', async t => {
    const broker = await FakeBroker.start(t)
    const { prepare } = await open(t, broker, { to: { address: '${a}' } })
    assert.throws(() => prepare('x', '/temp-queue/foo'), /reply-to that the broker hands to consumers/)
    assert.throws(() => prepare('x', ''), MessageRefused)
    assert.throws(() => prepare('x', 'a\0b'), MessageRefused)
  })

  test('says where a message goes in the words of each broker', async t => {
    const said = async (server: string, to: object, address?: string) => {
      const broker = await FakeBroker.start(t, polite(`version:1.2\nserver:${server}`))
      const { prepare } = await open(t, broker, { to })
      return prepare('x', address, { headers: { h: text('1') } }).head as string
    }
    const active = await said('ActiveMQ/6', { queue: 'A' })
    assert.match(active, /^destination:\/queue\/A\n/)
    assert.doesNotMatch(active, /content-length/)
    assert.match(
      await said('ActiveMQ-Artemis/2', { queue: 'A' }),
      /^destination:A\ndestination-type:ANYCAST\n/,
    )
    assert.match(
      await said('ActiveMQ-Artemis/2', { topic: 'A' }),
      /^destination:A\ndestination-type:MULTICAST\n/,
    )
    assert.match(
      await said('RabbitMQ/4.0.5', { topic: 'a.b' }),
      /^destination:\/topic\/a.b\ncontent-length:1\n/,
    )
    const rabbit = { to: { address: '${a}' } }
    assert.match(
      await said('RabbitMQ/4.0.5', rabbit.to, 'amq.gen-x/y'),
      /^destination:\/amq\/queue\/amq.gen-x%2Fy\n/,
    )
  })
})
