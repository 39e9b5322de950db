import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { runBridge } from '../support/bridge-process.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, deadFolder, inQueue, quick, suiteAws } from './setting.ts'

describe('the bridge with more headers than SQS has attributes', () => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  test('packs and unpacks them over SNS, with raw delivery and without, and counts the messages', async t => {
    const urls = Object.fromEntries(
      await Promise.all(
        ['start', 'raw', 'wrapped', 'end'].map(async q => [q, await aws.createQueue(q)] as const),
      ),
    )
    const topic = await aws.createTopic('packed')
    await aws.subscribeQueue(topic, urls.raw!, true)
    await aws.subscribeQueue(topic, urls.wrapped!)
    const dead = deadFolder(t)
    const back = (queue: string) => ({
      from: { connection: 'sqs', queue, wait: '1s', ...(queue === 'wrapped' && { body: 'sns' }) },
      mapping: [{ set: { headers: { 'came by': queue } } }],
      targets: { main: { connection: 'sqs', queue: 'end', attributes: { order: ['came*', 'h4*'] } } },
    })
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
      connections: { sqs: awsConnection('sqs', aws), sns: awsConnection('sns', aws) },
      routes: {
        out: {
          from: { connection: 'sqs', queue: 'start', wait: '1s' },
          targets: { main: { connection: 'sns', topic, attributes: { order: ['h4*'] } } },
        },
        raw: back('raw'),
        wrapped: back('wrapped'),
      },
    })
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`h${i}`, { int32: i }]))
    const plain = { DataType: 'Number.int', StringValue: '7' }
    const send = (MessageBody: string, MessageAttributes: object) =>
      aws.sqs.send(
        new SendMessageCommand({
          QueueUrl: urls.start!,
          MessageBody,
          MessageAttributes: { ...MessageAttributes },
        }),
      )
    await send('many', { plain, sluice_headers: { DataType: 'String', StringValue: JSON.stringify(many) } })
    await send('few', { plain })
    await until(() => inQueue(aws, 'end').length === 4, { what: 'both, on both ways', timeout: 20_000 })
    for (const message of inQueue(aws, 'end').filter(m => m.body === 'many')) {
      const { sluice_headers: packed, sluice_properties: _, ...attributes } = message.messageAttributes
      const rest = JSON.parse(packed!.StringValue!)
      assert.deepEqual(Object.keys(attributes).sort(), [
        'h4',
        'h40',
        'h41',
        'h42',
        'h43',
        'h44',
        'h45',
        'h46',
      ])
      assert.ok(['raw', 'wrapped'].includes(rest['came by']))
      const all = { ...rest, ...Object.fromEntries(Object.keys(attributes).map(name => [name, many[name]])) }
      assert.deepEqual(all, { ...many, plain: { int32: 7 }, 'came by': rest['came by'] })
    }
    const counted = await Promise.all(
      ['out', 'raw', 'wrapped'].map(route =>
        bridge.metric('sluice_messages_packed_total', { route, target: 'main' }),
      ),
    )
    // No attribute may have the name that the mapping sets.
    assert.deepEqual(counted, [1, 2, 2])
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(await dead.letters(), [])
  })
})
