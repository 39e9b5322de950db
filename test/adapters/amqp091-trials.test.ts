import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { queryObjects } from 'node:v8'
import type { AmqpPrepared } from '../../src/adapters/amqp091/encode.ts'
import { Guilt } from '../../src/adapters/amqp091/guilt.ts'
import { Publisher } from '../../src/adapters/amqp091/publisher.ts'
import { Send, Sends } from '../../src/adapters/amqp091/sends.ts'
import { Trials } from '../../src/adapters/amqp091/trials.ts'
import { until } from '../support/until.ts'
import { published, type ScriptedChannel, ScriptedConnection } from './amqp091-scripted.ts'

const never = new AbortController().signal

/** Sends whose first ones to an exchange are on trial, over channels that the test confirms. */
function setUp(t: TestContext, limit = 60_000) {
  const connection = new ScriptedConnection()
  const passed: string[] = []
  const open = () => Publisher.open(connection.asConnection, never)
  const trials = new Trials(open, new Guilt(), false, outgoing => {
    passed.push(String(outgoing.prepared.body))
    outgoing.answer({ is: 'taken' })
  })
  const sends = new Sends(
    limit,
    (_, answer) => new Error(answer.is),
    send => trials.withdraw(send),
  )
  t.after(() => sends.failAll(new Error('the test is over')))
  const send = (prepared: AmqpPrepared, signal = never): Promise<string> => {
    const begun = sends.begin(prepared, signal)
    trials.submit(begun)
    return begun.ended.then(
      () => 'taken',
      error => error.message,
    )
  }
  const channel = (n: number): Promise<ScriptedChannel> =>
    until(() => connection.channels[n], { what: `channel ${n}` })
  const wrote = (on: ScriptedChannel, words: string) =>
    until(() => on.written.includes(words), { what: words })
  return { connection, trials, passed, send, channel, wrote }
}

const confirm = async (channel: ScriptedChannel, index: number): Promise<void> => {
  await until(() => channel.confirms.length > index, { what: `message ${index}` })
  channel.confirms[index]!(null)
}

test('a message that the broker never confirms ends with its channel, and the next goes by another', async t => {
  const { send, channel } = setUp(t, 100)
  assert.match(await send(published('stuck', 'one')), /did not confirm/)
  const first = await channel(0)
  assert.equal(first.isClosed, true)
  const healthy = send(published('healthy', 'two'))
  await confirm(await channel(1), 0)
  assert.equal(await healthy, 'taken')
  const later = send(published('later', 'three'))
  await confirm(await channel(1), 1)
  assert.equal(await later, 'taken')
})

test('what is aborted while it is on trial lets the next go, and others wait for their own answer', async t => {
  const { send, channel, wrote } = setUp(t)
  const abort = new AbortController()
  const stuck = send(published('stuck', 'one'), abort.signal)
  const healthy = send(published('healthy', 'two'))
  await wrote(await channel(0), 'one')
  abort.abort(new Error('given up'))
  assert.equal(await stuck, 'given up')
  await confirm(await channel(1), 0)
  assert.equal(await healthy, 'taken')
})

test('what is given up while its channel opens, or waits for the socket, is never sent', async t => {
  const { connection, send, channel, wrote } = setUp(t)
  const early = new AbortController()
  const first = send(published('one', 'never one'), early.signal)
  early.abort(new Error('given up'))
  assert.equal(await first, 'given up')
  const second = send(published('two', 'sent'))
  await confirm(await channel(0), 0)
  assert.equal(await second, 'taken')
  connection.isBlocked = true
  const late = new AbortController()
  const third = send(published('three', 'never three'), late.signal)
  const fourth = send(published('four', 'last'))
  await new Promise(setImmediate)
  late.abort(new Error('given up'))
  assert.equal(await third, 'given up')
  connection.unblock()
  const only = await channel(0)
  await wrote(only, 'last')
  await confirm(only, 1)
  assert.equal(await fourth, 'taken')
  assert.doesNotMatch(only.written, /never/)
  assert.equal(connection.channels.length, 1, 'a channel that has nothing out stays')
})

test('an exchange that did not answer waits behind those that were not tried', async t => {
  const { send, channel, wrote } = setUp(t)
  const [one, other] = [new AbortController(), new AbortController()]
  const stuck = [
    send(published('stuck', 'one'), one.signal),
    send(published('stuck', 'two'), other.signal),
    send(published('healthy', 'three')),
  ]
  await wrote(await channel(0), 'one')
  one.abort(new Error('given up'))
  await wrote(await channel(1), 'three')
  await confirm(await channel(1), 0)
  await wrote(await channel(1), 'two')
  await confirm(await channel(1), 1)
  assert.deepEqual(await Promise.all(stuck), ['given up', 'taken', 'taken'])
})

test('a channel that opens when all is over is closed, and nothing goes by it', async t => {
  const { trials, connection, send } = setUp(t)
  const sent = send(published('one', 'never'))
  await trials.close({ is: 'gone', error: undefined, isSuspect: false })
  assert.equal(await sent, 'gone')
  await until(() => connection.channels[0]?.isClosed, { what: 'the end of the channel' })
  assert.equal(connection.channels[0]!.written, '')
})

test('a send that has ended is held by nobody, its signal included', async () => {
  const sends = new Sends(
    60_000,
    () => new Error('unused'),
    () => {},
  )
  const { signal } = new AbortController()
  for (let i = 0; i < 100; i++) sends.begin(published('e', `${i}`), signal).answer({ is: 'taken' })
  await new Promise(setImmediate)
  const left = queryObjects(Send, { format: 'count' })
  sends.failAll(new Error('the test is over'))
  assert.ok(left < 50, `${left} of 100 are left`)
})
