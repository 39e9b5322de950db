import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AmqpPrepared } from '../../src/adapters/amqp091/encode.ts'
import { type Answer, Publisher } from '../../src/adapters/amqp091/publisher.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { published, ScriptedConnection } from './amqp091-scripted.ts'

const never = new AbortController().signal

/** A publisher that has sent these, its channel, and what came of each so far. */
async function setUp(...all: readonly AmqpPrepared[]) {
  const connection = new ScriptedConnection()
  const publisher = await Publisher.open(connection.asConnection, never)
  const answers: (Answer | undefined)[] = all.map(() => undefined)
  for (const [i, prepared] of all.entries()) {
    publisher.submit({
      prepared,
      isMandatory: true,
      answer: answer => {
        answers[i] = answer
      },
    })
  }
  const [channel] = connection.channels
  const confirmAll = () => {
    for (const confirm of channel!.confirms) confirm(null)
    return answers.map(a => a?.is)
  }
  return { channel: channel!, answers, confirmAll }
}

const [one, other, third] = ['one', 'other', 'third'].map(name => published('e', 'body', name))
const changed = Buffer.from('\0\0one, and what the broker added')

test('a message that is returned as it was is the one', async () => {
  const { channel, confirmAll } = await setUp(other!, one!)
  channel.giveBack(one!, one!.properties)
  assert.deepEqual(confirmAll(), ['taken', 'returned'])
})

test('of messages of the same bytes any is the one, however the broker has changed it', async () => {
  const { channel, confirmAll } = await setUp(one!, published('e', 'another body'), { ...one! })
  channel.giveBack(one!, changed)
  assert.deepEqual(confirmAll(), ['returned', 'taken', 'taken'])
})

test('where it is not known which one was returned, none is called returned or taken', async () => {
  const { channel, answers, confirmAll } = await setUp(other!, published('e', 'another body'), one!)
  channel.giveBack(one!, changed)
  assert.deepEqual(confirmAll(), ['unclear', 'taken', 'unclear'])
  const errors = answers.map(a => (a?.is === 'unclear' ? a.error : undefined))
  assert.ok(errors[0] instanceof SinkUnavailable)
  assert.equal(errors[0], errors[2], 'one return is one failure')
})

test('what is returned as it was is no longer in doubt', async () => {
  const { channel, confirmAll } = await setUp(other!, one!, third!)
  channel.giveBack(one!, changed)
  channel.giveBack(other!, other!.properties)
  assert.deepEqual(confirmAll(), ['returned', 'unclear', 'unclear'])
})
