import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { GetQueueUrlCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs'
import { text } from '../../src/core/value.ts'
import { startSluice } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import {
  awsKeys,
  configFile,
  deadLetter,
  inFolder,
  inSqs,
  letterOf,
  onRabbit4,
  type PlaceCase,
  recordText,
  store,
} from './letter-places.ts'
import { arrived, bodiesIn, inQueue, missingIn, numbered, repetitions, suiteAws } from './setting.ts'

let aws: TestAws
let names = 0

/** A queue of SQS as the one target. */
async function toQueue(more: object = {}) {
  const queue = `redriven-${++names}`
  await aws.createQueue(queue)
  return { queue, targets: { main: { connection: 'cloud', queue, ...more } } }
}

const refusing = { attributes: { overflow: 'refuse' } }
const bad = { 'the tenant': text('acme') }

/** Killed, ended and without its target, at this place: nothing is lost. */
function survives(place: PlaceCase) {
  test(`a redrive from ${place.title} that is killed in the middle loses nothing`, {
    timeout: 120_000,
  }, async t => {
    const at = await place.open(t, aws)
    const { queue, targets } = await toQueue({ concurrency: 1 })
    const { file } = configFile(t, at, aws, { targets })
    const bodies = numbered(200)
    await store(
      file,
      bodies.map(body => letterOf(body.toString())),
    )
    const slow = aws.faults.delayAnswers({ action: 'SendMessageBatch', milliseconds: 100 })
    t.after(() => slow.end())
    const { child, code, out } = startSluice(t, 'dead-letter', 'redrive', file)
    await until(() => bodiesIn(aws, queue).length >= 40, {
      what: 'some to be redriven',
      every: 5,
      timeout: 30_000,
    })
    child.kill('SIGKILL')
    await code
    slow.end()
    assert.ok(missingIn(aws, queue, bodies).length > 0, `it was killed after the end: ${out()}`)
    await until(async () => (await at.left()) >= missingIn(aws, queue, bodies).length, {
      what: 'every letter to be there that did not arrive',
    })
    await until(
      async () => {
        const { code: ended } = await deadLetter(t, 'redrive', file)
        return ended === 0 && (await at.left()) === 0
      },
      { what: 'the rest to be redriven', timeout: 60_000 },
    )
    await arrived(aws, queue, bodies)
    const twice = repetitions(bodiesIn(aws, queue))
    t.diagnostic(`${twice} of ${bodies.length} came twice`)
    assert.ok(twice <= 100, `${twice} came twice`)
  })

  test(`a redrive from ${place.title} waits for a target that is down, says so, and removes nothing`, async t => {
    const at = await place.open(t, aws)
    const { queue, targets } = await toQueue()
    const { file } = configFile(t, at, aws, { targets })
    await store(file, [letterOf('a'), letterOf('b')])
    const down = aws.faults.failCalls({ action: 'SendMessageBatch', code: 'ServiceUnavailable', status: 503 })
    t.after(() => down.end())
    const { code, out, err } = await deadLetter(t, 'redrive', file, '--wait', '2s')
    assert.equal(code, 1)
    assert.match(out, /^0 redriven, 1 not finished and left where they are\n/)
    assert.match(err, /waiting for target main of route orders: .*ServiceUnavailable/)
    assert.match(err, /nothing was confirmed for 2s, and the rest stays where it is/)
    await until(async () => (await at.left()) === 2, { what: 'both to be there' })

    // Told to end while it waits, it gives back at once.
    const waiting = startSluice(t, 'dead-letter', 'redrive', file, '--wait', '5m')
    await until(() => waiting.err().includes('waiting for target'), { what: 'it to wait', timeout: 30_000 })
    waiting.child.kill('SIGTERM')
    assert.equal(await waiting.code, 1)
    assert.match(waiting.err(), /ended by a signal before all was done/)
    down.end()
    const then = await deadLetter(t, 'redrive', file)
    assert.match(then.out, /^2 redriven\n$/, then.err)
    assert.deepEqual(bodiesIn(aws, queue).sort(), ['a', 'b'])
    assert.equal(await at.left(), 0)
  })

  test(`what is refused again stays in ${place.title}, once, until the mapping was mended`, async t => {
    const at = await place.open(t, aws)
    const { queue, targets } = await toQueue(refusing)
    const { file, write } = configFile(t, at, aws, { targets })
    await store(file, [letterOf('a', {}, bad), letterOf('b'), letterOf('c', {}, bad)])
    const first = await deadLetter(t, 'redrive', file)
    assert.equal(first.code, 1, first.err)
    assert.match(
      first.out,
      /^1 redriven, 2 refused and left where they are\n {2}2 × orders → main: the header "the tenant"/,
    )
    await until(async () => (await at.left()) === 2, { what: 'both to be there, and once' })
    write({ targets, mapping: [{ rename: { 'headers.the tenant': 'headers.tenant' } }] })
    const preview = await deadLetter(t, 'redrive', file, '--dry-run')
    assert.match(
      preview.out,
      /would be sent to main\n[\s\S]*would be sent to main\n2 dead letters; nothing was sent and nothing removed\n$/,
    )
    assert.equal(await at.left(), 2)
    const second = await deadLetter(t, 'redrive', file)
    assert.deepEqual([second.code, second.out], [0, '2 redriven\n'], second.err)
    assert.deepEqual(bodiesIn(aws, queue).sort(), ['a', 'b', 'c'])
    assert.equal(await at.left(), 0)
  })
}

describe('sluice dead-letter', () => {
  suiteAws(started => {
    aws = started
  })
  survives(inFolder)
  survives(inSqs)

  test('shows a letter for people and as its record, which explain takes', async t => {
    const at = await inFolder.open(t, aws)
    const { targets } = await toQueue()
    const { file } = configFile(t, at, aws, { targets })
    const headers = { tenant: text('ac\u001bme'), count: { type: 'int64', value: 2n ** 60n } } as const
    await store(file, [letterOf('first'), letterOf('second', { attempts: 3, deliveryCount: 2 }, headers)])
    const listed = await deadLetter(t, 'list', file, '--limit', '1')
    assert.match(
      listed.out,
      /^folder .*\n {2}[0-9a-f]{12} {2}20\S+Z {2}orders → main, 1 attempt\n {16}the tenant/,
    )
    assert.match(listed.err, /these are the first 1; --limit shows more/)
    const { out } = await deadLetter(t, 'list', file, '--json')
    const { id } = JSON.parse(out.trim().split('\n')[1]!)
    const shown = await deadLetter(t, 'show', file, '--id', id.slice(0, 8))
    assert.equal(shown.code, 0)
    for (const line of [
      /^letter {4}[0-9a-f]{12}$/m,
      /^reason {4}the tenant is not known$/m,
      /^attempts {2}3, delivered 2 times before$/m,
      /^ {2}body +text of 6 bytes: second$/m,
      /^ {2}headers\.tenant +"ac\\u001bme"$/m,
      /^ {2}headers\.count +1152921504606846976 \(int64\)$/m,
    ]) {
      assert.match(shown.out, line)
    }
    const record = await deadLetter(t, 'show', file, '--id', id, '--json')
    const written = join((at.entry as { folder: string }).folder, '..', `record-${process.pid}.json`)
    writeFileSync(written, record.out)
    const explained = startSluice(t, 'explain', file, '--route', 'orders', '--message', written)
    assert.equal(await explained.code, 0, explained.err())
    assert.match(explained.out(), /second/)
    const none = await deadLetter(t, 'show', file, '--id', 'ffffffffffff')
    assert.deepEqual([none.code, none.out], [1, ''])
  })

  test('asks before it deletes, and without a terminal it refuses', async t => {
    const at = await inFolder.open(t, aws)
    const { targets } = await toQueue()
    const { file } = configFile(t, at, aws, { targets })
    await store(file, [letterOf('a')])
    const refused = await deadLetter(t, 'discard', file)
    assert.equal(refused.code, 2)
    assert.match(refused.err, /deleting needs --yes where there is no terminal to ask/)
    const preview = await deadLetter(t, 'discard', file, '--dry-run')
    assert.match(preview.out, /would be deleted\n1 dead letter; nothing was deleted\n$/)
    assert.equal(await at.left(), 1)
    for (const wrong of [['--rate', '0'], ['--limit', 'x'], ['--since', 'yesterday'], ['--what']]) {
      assert.equal((await deadLetter(t, 'discard', file, '--yes', ...wrong)).code, 2)
    }
    assert.equal(await at.left(), 1)
  })

  test('says which places cannot be read, and why', async t => {
    const at = await inFolder.open(t, aws)
    const { targets } = await toQueue()
    const places = [
      { connection: 'alerts', topic: 'dead' },
      { connection: 'hook', topic: 'arn:aws:sns:eu-west-1:000000000000:dead' },
      { connection: 'cloud', queue: 'dead-${address}' },
      at.entry,
      { broker: true },
    ]
    const { file } = configFile(
      t,
      at,
      aws,
      { targets, dead_letter: places },
      {
        alerts: { protocol: 'mqtt', urls: ['mqtt://127.0.0.1:1'] },
        hook: awsKeys('sns', aws),
      },
    )
    writeFileSync(join((at.entry as { folder: string }).folder, 'x.json'), recordText(letterOf('x')))
    const { code, out, err } = await deadLetter(t, 'list', file, '--route', 'ordres')
    assert.equal(code, 1)
    assert.match(out, /^no dead letter that is meant\n$/)
    assert.match(err, /note: there is no route "ordres" in the file \(did you mean "orders"\?\)/)
    assert.match(err, /alerts dead: mqtt hands on what is published and keeps nothing/)
    assert.match(err, /hook arn:\S+: sns hands on what is published and keeps nothing/)
    assert.match(err, /cannot be read: each message chooses its place by dead-\$\{address\}/)
    assert.match(err, /the broker of route orders: .*broker: true/)
  })

  test('says what SQS does to letters that are looked at', async t => {
    const at = await inSqs.open(t, aws)
    const { queue } = at.entry as { queue: string }
    const { targets } = await toQueue()
    const { file } = configFile(t, at, aws, { targets })
    await aws.createQueue('dead-of-dead')
    const deadLetterTargetArn = 'arn:aws:sqs:eu-west-1:000000000000:dead-of-dead'
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 7 })
    const QueueUrl = (await aws.sqs.send(new GetQueueUrlCommand({ QueueName: queue }))).QueueUrl
    await aws.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy } }))
    await store(file, [letterOf('a')])
    const { err } = await deadLetter(t, 'list', file)
    assert.match(err, /SQS cannot be browsed: these are the messages that it hands out now, of about 1 /)
    assert.match(
      err,
      /redrive policy of its own: what was received 7 times, .* SQS moves to arn:\S+:dead-of-dead/,
    )
    assert.equal(inQueue(aws, queue).length, 1)
    assert.equal(aws.emulator.inspectQueue(queue)!.messages.ready.length, 1, 'it is not visible again')
  })
})

await describeOnBroker('rabbitmq4', 'sluice dead-letter', () => {
  suiteAws(started => {
    aws = started
  })
  survives(onRabbit4)
})
