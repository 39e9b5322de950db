import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { FakeBroker, type Said } from './stomp-fake.ts'
import { error, open, rabbit, receipt, words } from './stomp-sink-scripted.ts'

const template = { to: { queue: '${q}' } }
const isQuestion = (said: Said): boolean => said.command === 'SEND' && said.headers.has('transaction')
const isMessage = (said: Said): boolean => said.command === 'SEND' && !said.headers.has('transaction')

describe('what a STOMP sink knows of the queues of RabbitMQ', { timeout: 30_000 }, () => {
  test('an answer that is too old is none: the next message waits for a new one', async t => {
    let there = true
    const broker = await FakeBroker.start(
      t,
      rabbit(() => error(there ? words.there : words.missing)),
    )
    const { send } = await open(t, broker)
    await send('a')
    there = false
    await delay(2_050)
    await assert.rejects(send('b'), SinkUnavailable)
    assert.equal(broker.said.filter(isMessage).length, 1, 'b was not sent')
    there = true
    await delay(2_050)
    await send('c')
  })

  test('an answer is as old as its question', async t => {
    let answer: string | undefined
    const broker = await FakeBroker.start(
      t,
      rabbit(() => answer),
    )
    const { send } = await open(t, broker, template)
    const first = send('a', 'Q')
    await until(() => broker.said.some(isQuestion), { what: 'a question' })
    await delay(1_500)
    answer = error(words.missing)
    broker.sendTo(isQuestion, error(words.there))
    await first
    await delay(600)
    await assert.rejects(send('b', 'Q'), MessageRefused)
  })

  test('while messages go the next answer is asked for before the last is too old', async t => {
    const broker = await FakeBroker.start(
      t,
      rabbit(() => undefined),
    )
    const { send } = await open(t, broker, template)
    const first = send('a', 'Q')
    await until(() => broker.said.some(isQuestion), { what: 'a question' })
    const asked = performance.now()
    await delay(300)
    broker.sendTo(isQuestion, error(words.there))
    await first
    const again = async () => {
      await send('b', 'Q')
      return broker.said.filter(isQuestion).length === 2
    }
    await until(again, { what: 'the next question' })
    assert.ok(performance.now() - asked > 1_400, 'not much before its time')
    await send('c', 'Q')
    broker.sendTo(isQuestion, error(words.missing))
    await until(
      () =>
        send('d', 'Q').then(
          () => false,
          error => error instanceof MessageRefused,
        ),
      {
        what: 'the next answer to count',
      },
    )
  })

  test('a question that fails is no answer, and is asked again', async t => {
    let answers: string | undefined = error("NOT_FOUND - home node 'a@b' of queue 'Q' is down")
    const broker = await FakeBroker.start(
      t,
      rabbit(() => answers),
    )
    const { send } = await open(t, broker, template)
    const fates = await Promise.allSettled([send('a', 'Q'), send('b', 'Q')])
    for (const fate of fates) {
      assert.ok(fate.status === 'rejected' && fate.reason instanceof SinkUnavailable)
      assert.match(fate.reason.message, /asking whether queue Q exists/)
      assert.match(String((fate.reason.cause as Error).message), /home node/)
    }
    assert.equal(broker.said.filter(isMessage).length, 0)
    answers = undefined
    await assert.rejects(send('c', 'Q'), SinkUnavailable)
    answers = error(words.there)
    await send('d', 'Q')
  })

  test('a failing question opens no link to a fixed queue, and a check of one fails', async t => {
    let answers = error('INTERNAL_ERROR - none of your business')
    const broker = await FakeBroker.start(
      t,
      rabbit(() => answers),
    )
    await assert.rejects(open(t, broker), SinkUnavailable)
    answers = error(words.there)
    const { sink } = await open(t, broker)
    const never = new AbortController().signal
    await sink.check(never)
    answers = error('INTERNAL_ERROR - none of your business')
    await assert.rejects(sink.check(never), SinkUnavailable)
  })

  test('a queue that the user may not see is the fault of the message that chose it, or of the target', async t => {
    const broker = await FakeBroker.start(
      t,
      rabbit(() => error(words.forbidden)),
    )
    const via = { username: 'u', password: 'x' }
    const { send } = await open(t, broker, { ...template, via })
    await assert.rejects(send('a', 'Q'), MessageRefused)
    await assert.rejects(open(t, broker, { via }), thrown => {
      assert.ok(thrown instanceof SinkUnavailable)
      assert.match(thrown.message, /user u .*queue Q exists.*permission 'configure'.* host \//)
      return true
    })
    assert.equal(broker.said.filter(isMessage).length, 0)
  })

  test('words in the name of a queue are no answer', async t => {
    const name = 'inequivalent arg'
    const broker = await FakeBroker.start(
      t,
      rabbit(() => error(words.missing.replace('Q', name))),
    )
    const { send } = await open(t, broker, template)
    await assert.rejects(send('a', name), MessageRefused)
  })

  test('who waits for an answer lets others by and is sent in the order of sending', async t => {
    const order: string[] = []
    const broker = await FakeBroker.start(
      t,
      rabbit(
        queue => (queue === 'slow' ? undefined : error(words.there)),
        said => {
          order.push([...said.headers.values()].at(-1)!)
          return receipt(said)
        },
      ),
    )
    const { send } = await open(t, broker, template)
    const slow = [send('1', 'slow'), send('2', 'slow')]
    await until(() => broker.said.some(isQuestion), { what: 'a question' })
    await send('3', 'quick')
    slow.push(send('4', 'slow'))
    broker.sendTo(said => said.headers.get('destination') === '/queue/slow', error(words.there))
    await Promise.all(slow)
    assert.deepEqual(order, ['3', '1', '2', '4'])
  })

  test('more queues than may be asked after at once', async t => {
    const broker = await FakeBroker.start(
      t,
      rabbit(queue => error(queue === 'q7' ? words.missing : words.there)),
    )
    const { send } = await open(t, broker, template)
    const fates = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => send('x', `q${i}`)))
    assert.deepEqual(
      fates.flatMap((f, i) => (f.status === 'rejected' ? [i] : [])),
      [7],
    )
    assert.equal(broker.said.filter(isQuestion).length, 100)
  })
})
