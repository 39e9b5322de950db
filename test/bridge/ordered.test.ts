import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs'
import { Rabbit } from '../adapters/amqp091-rabbit.ts'
import type { AwsCall } from '../support/aws-calls.ts'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { startProxy, type TcpProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, repetitions, suiteAws } from './setting.ts'

const [count, groups, cuts] = [20_000, 200, 10]

/** `17-3417`: the group, and a number that rises within it. */
const bodies = Array.from({ length: count }, (_, i) => `${i % groups}-${i}`)
const groupOf = (body: string): string => body.split('-')[0]!

/** All there, and each group in order by the first arrival of each message. Gives how many came more than once. */
function inOrder(arrived: readonly string[]): number {
  const first = [...new Set(arrived)]
  assert.equal(first.length, count)
  const last = new Map<string, number>()
  for (const body of first) {
    const [group = '', number] = body.split('-')
    assert.ok((last.get(group) ?? -1) < Number(number), `${body} came after ${last.get(group)}`)
    last.set(group, Number(number))
  }
  return repetitions(arrived)
}

/** The third entry of every tenth batch fails, and is to be sent again. */
function thirdOfEveryTenth({ faults }: TestAws, action: string) {
  const numbers = new WeakMap<AwsCall, number>()
  let seen = 0
  return faults.failEntries({
    action,
    code: 'InternalError',
    message: 'try again',
    senderFault: false,
    when: entry => {
      const call = faults.calls.at(-1)!
      if (!numbers.has(call)) numbers.set(call, ++seen)
      return numbers.get(call)! % 10 === 0 && call.entries[2]?.id === entry.id
    },
  })
}

await describeOnBroker('rabbitmq4', 'the bridge between RabbitMQ and SQS FIFO, in order', broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  async function setting(t: TestContext) {
    const { host, ports, username, password } = broker
    const rabbit = await Rabbit.connect({ host, port: ports.amqp! }, broker)
    t.after(() => rabbit.close())
    const toBroker = await startProxy({ host, port: ports.amqp! })
    const toAws = await startProxy({ port: Number(new URL(aws.endpoint).port) })
    t.after(() => Promise.all([toBroker.close(), toAws.close()]))
    const dead = deadFolder(t)
    const config = {
      defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
      connections: {
        mq: { protocol: 'amqp091', urls: [`amqp://127.0.0.1:${toBroker.port}`], username, password },
        cloud: { ...awsConnection('sqs', aws), endpoint: `http://127.0.0.1:${toAws.port}` },
      },
    }
    return { rabbit, toBroker, toAws, dead, config }
  }

  /** Cuts both sides each time another part has arrived. */
  async function cutBoth(arrived: () => number, ...sides: readonly TcpProxy[]): Promise<void> {
    for (let cut = 1; cut <= cuts; cut++) {
      const part = Math.floor((count * cut) / (cuts + 1))
      await until(() => arrived() >= part, { what: `${part} messages`, timeout: 60_000, every: 5 })
      for (const side of sides) side.cut()
    }
  }

  test(`${count} messages in ${groups} groups from RabbitMQ, both sides cut ${cuts} times`, {
    timeout: 240_000,
  }, async t => {
    const { rabbit, toBroker, toAws, dead, config } = await setting(t)
    const queue = await rabbit.declare()
    await aws.createQueue('forth.fifo')
    for (const body of bodies) {
      rabbit.channel.sendToQueue(queue, Buffer.from(body), {
        persistent: true,
        headers: { group: groupOf(body) },
      })
    }
    await rabbit.channel.waitForConfirms()
    const fault = thirdOfEveryTenth(aws, 'SendMessageBatch')
    t.after(() => aws.faults.clear())
    const bridge = await runBridge(t, {
      ...config,
      routes: {
        forth: {
          from: { connection: 'mq', queue, exclusive: true, prefetch: 1_000 },
          mapping: [{ set: { group_id: '${headers.group}' } }],
          targets: { main: { connection: 'cloud', queue: 'forth.fifo' } },
        },
      },
    })
    await cutBoth(() => bodiesIn(aws, 'forth.fifo').length, toBroker, toAws)
    await until(() => new Set(bodiesIn(aws, 'forth.fifo')).size === count, { what: 'all', timeout: 120_000 })
    await until(async () => (await rabbit.ready(queue)) === 0, { what: 'an empty queue' })
    assert.equal(await bridge.stop(), 0)
    const repeated = inOrder(bodiesIn(aws, 'forth.fifo'))
    t.diagnostic(
      `RabbitMQ to SQS FIFO: ${count} messages, 0 lost, ${repeated} repeated, ${fault.hits} batches failed`,
    )
    assert.ok(fault.hits > 10)
    assert.deepEqual(await dead.letters(), [])
  })

  test(`${count} messages in ${groups} groups to RabbitMQ, both sides cut ${cuts} times`, {
    timeout: 240_000,
  }, async t => {
    const { rabbit, toBroker, toAws, dead, config } = await setting(t)
    const queue = await rabbit.declare()
    const QueueUrl = await aws.createQueue('back.fifo', { VisibilityTimeout: '2' })
    for (let i = 0; i < count; i += 10) {
      const Entries = bodies.slice(i, i + 10).map((MessageBody, j) => ({
        Id: String(j),
        MessageBody,
        MessageGroupId: groupOf(MessageBody),
        MessageDeduplicationId: MessageBody,
      }))
      await aws.sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    }
    const arrived: string[] = []
    await rabbit.channel.consume(queue, message => arrived.push(String(message?.content)), { noAck: true })
    const fault = thirdOfEveryTenth(aws, 'DeleteMessageBatch')
    t.after(() => aws.faults.clear())
    const bridge = await runBridge(t, {
      ...config,
      routes: {
        back: {
          from: { connection: 'cloud', queue: 'back.fifo', wait: '1s', prefetch: 1_000 },
          ordering: 'by_group',
          targets: { main: { connection: 'mq', queue } },
        },
      },
    })
    await cutBoth(() => arrived.length, toBroker, toAws)
    await until(() => new Set(arrived).size === count, { what: 'all', timeout: 120_000 })
    await until(() => bodiesIn(aws, 'back.fifo').length === 0, { what: 'an empty queue', timeout: 60_000 })
    assert.equal(await bridge.stop(), 0)
    const repeated = inOrder(arrived)
    t.diagnostic(
      `SQS FIFO to RabbitMQ: ${count} messages, 0 lost, ${repeated} repeated, ${fault.hits} batches failed`,
    )
    assert.ok(fault.hits > 10)
    assert.deepEqual(await dead.letters(), [])
  })
})
