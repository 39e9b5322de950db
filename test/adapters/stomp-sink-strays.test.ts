import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { type Answer, FakeBroker, type Said } from './stomp-fake.ts'
import { answering, bodyOf, error, open, rabbit, receipt, words } from './stomp-sink-scripted.ts'

const fault = error('Unknown destination')

/** A broker that is silent about what it is sent, until the test answers. */
async function begin(t: TestContext, answer: Answer, to: object) {
  const broker = await FakeBroker.start(t, answer)
  const { send, sink } = await open(t, broker, { to })
  const isOf = (body: string) => (said: Said) => said.command === 'SEND' && bodyOf(said) === body
  const heard = async (body: string) => {
    await until(() => broker.said.some(isOf(body)), { what: body, timeout: 2_000 })
  }
  return {
    broker,
    send,
    sink,
    /** Sent, and given up before the broker has answered. */
    async stray(body: string, address: string) {
      const stop = new AbortController()
      const sent = send(body, address, stop.signal)
      await heard(body)
      stop.abort(new Error('given up'))
      await assert.rejects(sent, /given up/)
    },
    /** Sent, and not answered. */
    async out(body: string, address: string) {
      const sent = send(body, address)
      sent.catch(() => {})
      await heard(body)
      return { sent }
    },
    confirm: (body: string) => broker.send(receipt(broker.said.find(isOf(body))!)),
  }
}

const silent = answering('x', () => undefined)
const chosen = { address: '${a}' }

describe('faults of messages that a STOMP sink has given up', { timeout: 30_000 }, () => {
  test('one that another’s own ERROR has not answered is nobody else’s', async t => {
    const answer = answering('x', said =>
      bodyOf(said) === 'bad'
        ? error('Unknown destination').replace('\n', `\nreceipt-id:${said.headers.get('receipt')}\n`)
        : undefined,
    )
    const { broker, stray, send, out, confirm } = await begin(t, answer, chosen)
    await stray('stray', '/a')
    await assert.rejects(send('bad', '/b'))
    const innocent = await out('innocent', '/a')
    broker.send(fault)
    confirm('innocent')
    await innocent.sent
  })

  test('one that a message refused before it was sent has not answered is nobody else’s', async t => {
    const answer = rabbit(
      queue => error(queue === 'missing' ? words.missing : words.there),
      () => undefined,
    )
    const { broker, stray, send, out, confirm } = await begin(t, answer, { queue: '${q}' })
    await stray('stray', 'Q')
    await assert.rejects(send('x', 'missing'), MessageRefused)
    const innocent = await out('innocent', 'Q')
    broker.send(fault)
    confirm('innocent')
    await innocent.sent
  })

  test('one that a late receipt of something else has not answered is nobody else’s', async t => {
    const answer: Answer = said => (said.command === 'BEGIN' ? undefined : silent(said))
    const to = { ...chosen, send_timeout: '500ms' }
    const { broker, stray, sink, out, confirm } = await begin(t, answer, to)
    await stray('stray', '/a')
    await assert.rejects(sink.check(new AbortController().signal), SinkUnavailable)
    broker.send(receipt(broker.heard('BEGIN')[0]!))
    const innocent = await out('innocent', '/a')
    broker.send(fault)
    confirm('innocent')
    await innocent.sent
  })

  test('of two to one place that is at fault both are, and the second ERROR is nobody else’s', async t => {
    const { broker, out, confirm } = await begin(t, silent, chosen)
    const guilty = [await out('1', '/exchange/gone/k'), await out('2', '/exchange/gone/k')]
    const innocent = await out('innocent', '/a')
    const named = error("NOT_FOUND - no exchange 'gone' in vhost '/'")
    broker.send(named)
    for (const { sent } of guilty) await assert.rejects(sent, MessageRefused)
    broker.send(named)
    confirm('innocent')
    await innocent.sent
  })

  test('one that names the place of a message that was given up is that one’s', async t => {
    const { broker, stray, out, confirm } = await begin(t, silent, chosen)
    await stray('stray', '/exchange/gone/k')
    const innocent = await out('innocent', '/a')
    const behind = await out('behind', '/a')
    broker.send(error("NOT_FOUND - no exchange 'gone' in vhost '/'"))
    confirm('behind')
    await behind.sent
    const bad = await out('bad', '/b')
    broker.send(fault)
    confirm('innocent')
    await innocent.sent
    await assert.rejects(bad.sent, MessageRefused, 'none is given up any more: it is who is left')
  })

  test('those that are left are all at fault where they are no more than the faults', async t => {
    const { broker, stray, out, send } = await begin(t, silent, chosen)
    await stray('stray', '/a')
    const bad = await out('bad', '/b')
    broker.send(fault + fault)
    await assert.rejects(bad.sent, MessageRefused)
    const next = send('next', '/c')
    const [, , said] = await broker.hears('SEND', 3)
    broker.send(receipt(said!))
    await next
  })
})
