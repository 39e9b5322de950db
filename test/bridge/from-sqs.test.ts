import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { runBridge } from '../support/bridge-process.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, repetitions, suiteAws } from './setting.ts'

describe('the bridge from SQS', () => {
  let aws: TestAws
  let client: SQSClient
  suiteAws(started => {
    aws = started
  })
  before(() => {
    const { directEndpoint: endpoint, region, credentials } = aws
    client = new SQSClient({ endpoint, region, credentials })
  })
  after(() => client.destroy())

  async function sendAll(QueueUrl: string, bodies: readonly string[], groups = 0): Promise<void> {
    for (let i = 0; i < bodies.length; i += 10) {
      const Entries = bodies.slice(i, i + 10).map((MessageBody, j) => ({
        Id: String(j),
        MessageBody,
        ...(groups > 0 && { MessageGroupId: `g${(i + j) % groups}`, MessageDeduplicationId: MessageBody }),
      }))
      await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    }
  }

  const config = (t: TestContext, from: object, queue: string) => {
    const dead = deadFolder(t)
    return {
      dead,
      yaml: {
        defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
        connections: { cloud: awsConnection('sqs', aws) },
        routes: {
          only: {
            from: { connection: 'cloud', wait: '1s', ...from },
            targets: { main: { connection: 'cloud', queue, concurrency: 4 } },
          },
        },
      },
    }
  }

  test('FIFO to FIFO, killed and stopped in the middle, entries and deletions failing: none lost, none out of order', async t => {
    const [count, groups] = [2_000, 50]
    const from = await aws.createQueue('away.fifo', { FifoQueue: 'true', VisibilityTimeout: '2' })
    await aws.createQueue('home.fifo', { FifoQueue: 'true' })
    const bodies = Array.from({ length: count }, (_, i) => `g${i % groups}-${i}`)
    await sendAll(from, bodies, groups)
    let looked = 0
    aws.faults.failEntries({
      action: 'SendMessageBatch',
      code: 'InternalError',
      message: 'later',
      senderFault: false,
      when: () => ++looked % 30 === 0,
    })
    const refusing = aws.faults.failCalls({
      action: 'DeleteMessageBatch',
      code: 'ServiceUnavailable',
      message: 'later',
      status: 503,
      times: 5,
    })
    t.after(() => aws.faults.clear())
    const { yaml, dead } = config(t, { queue: 'away.fifo' }, 'home.fifo')
    const home = () => bodiesIn(aws, 'home.fifo')
    const atLeast = (n: number) =>
      until(() => home().length >= n, { what: `${n} in home.fifo`, timeout: 60_000, every: 5 })
    const killed = await runBridge(t, yaml)
    await atLeast(300)
    await killed.kill()
    const stopped = await runBridge(t, yaml)
    await atLeast(900)
    assert.equal(await stopped.stop(), 0)
    assert.ok(home().length < count, 'it was stopped after the end')
    const last = await runBridge(t, yaml)
    await atLeast(count)
    await until(() => bodiesIn(aws, 'away.fifo').length === 0, { what: 'everything deleted' })
    assert.equal(await last.stop(), 0)
    assert.ok(refusing.hits > 0)
    assert.equal(new Set(home()).size, count)
    // The message id is the same when a message comes again, so that the target recognises it.
    assert.equal(repetitions(home()), 0)
    for (let g = 0; g < groups; g++) {
      const numbers = home()
        .filter(body => body.startsWith(`g${g}-`))
        .map(body => Number(body.split('-')[1]))
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
        `group ${g}`,
      )
    }
    assert.deepEqual(await dead.letters(), [])
  })

  test('a body that SNS did not write is a dead letter, as it came, and those behind it go on', async t => {
    const from = await aws.createQueue('notices')
    await aws.createQueue('notices-out')
    const notification = JSON.stringify({
      Type: 'Notification',
      TopicArn: 'arn:aws:sns:x:1:t',
      Message: 'hello',
    })
    await sendAll(from, ['{"broken', notification])
    const { yaml, dead } = config(t, { queue: 'notices', body: 'sns' }, 'notices-out')
    const bridge = await runBridge(t, yaml)
    await until(() => bodiesIn(aws, 'notices-out').includes('hello'), { what: 'the good one' })
    await until(() => bodiesIn(aws, 'notices').length === 0, { what: 'both deleted' })
    assert.equal(await bridge.stop(), 0)
    const [letter, ...more] = await dead.letters()
    assert.deepEqual(more, [])
    assert.match(letter!.reason, /no notification of SNS/)
    assert.deepEqual(letter!.message.body, { kind: 'text', text: '{"broken' })
  })

  test('each message to the queue that it names: those to one that is gone are dead letters and stop nobody', async t => {
    const from = await aws.createQueue('post')
    for (const name of ['post-north', 'post-south']) await aws.createQueue(name)
    const sites = ['north', 'gone', 'south']
    for (let i = 0; i < 300; i += 10) {
      const Entries = Array.from({ length: 10 }, (_, j) => ({
        Id: String(j),
        MessageBody: `${sites[(i + j) % 3]}-${i + j}`,
        MessageAttributes: { site: { DataType: 'String', StringValue: sites[(i + j) % 3]! } },
      }))
      await client.send(new SendMessageBatchCommand({ QueueUrl: from, Entries }))
    }
    const { yaml, dead } = config(t, { queue: 'post' }, 'post-${headers.site}')
    // A third of all would hold the route.
    const dead_letter_pause = { of_last: 1_000, at_least: 1_000 }
    const bridge = await runBridge(t, { ...yaml, defaults: { ...yaml.defaults, dead_letter_pause } })
    for (const site of ['north', 'south']) {
      await until(() => bodiesIn(aws, `post-${site}`).length === 100, { what: site, timeout: 30_000 })
      assert.ok(bodiesIn(aws, `post-${site}`).every(body => body.startsWith(site)))
    }
    await until(async () => (await dead.letters()).length === 100, {
      what: 'the dead letters',
      timeout: 30_000,
    })
    await until(() => bodiesIn(aws, 'post').length === 0, { what: 'all deleted' })
    for (const { kind, reason, message } of await dead.letters()) {
      assert.equal(kind, 'refused')
      assert.match(reason, /^queue post-gone does not exist in region eu-west-1/)
      assert.deepEqual(message.headers.site, { type: 'string', value: 'gone' })
    }
    const changes = await bridge.metric('sluice_breaker_state')
    assert.equal(changes, 0)
    assert.equal(await bridge.stop(), 0)
  })
})
