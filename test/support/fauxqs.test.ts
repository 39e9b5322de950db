import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import {
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { startAws, type TestAws } from './fauxqs.ts'
import { until } from './until.ts'

describe('fauxqs behind faults', () => {
  let aws: TestAws
  let sqs: SQSClient
  let sns: SNSClient
  let queueUrl: string
  let topicArn: string
  let name = 0

  before(async () => {
    aws = await startAws()
    const settings = {
      endpoint: aws.endpoint,
      region: aws.region,
      credentials: aws.credentials,
      maxAttempts: 1,
    }
    sqs = new SQSClient(settings)
    sns = new SNSClient(settings)
    topicArn = await aws.createTopic('topic')
  })
  after(async () => {
    sqs.destroy()
    sns.destroy()
    await aws.stop()
  })
  afterEach(() => aws.faults.clear())

  const newQueue = async () => {
    queueUrl = await aws.createQueue(`queue-${++name}`)
    return queueUrl
  }
  const send = (...bodies: string[]) =>
    sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: queueUrl,
        Entries: bodies.map((MessageBody, i) => ({
          Id: `e${i}`,
          MessageBody,
          MessageAttributes: { n: { DataType: 'Number', StringValue: String(i) } },
        })),
      }),
    )
  const publish = (...bodies: string[]) =>
    sns.send(
      new PublishBatchCommand({
        TopicArn: topicArn,
        PublishBatchRequestEntries: bodies.map((Message, i) => ({
          Id: `e${i}`,
          Message,
          MessageAttributes: { n: { DataType: 'Number', StringValue: String(i) } },
        })),
      }),
    )
  const drained = async (expect: number, timeout = 2_000) => {
    const messages = await aws.drainQueue(queueUrl, { expect, timeout })
    return messages.map(message => message.Body).sort()
  }

  test('passes calls on, with attributes, and counts them', async () => {
    await newQueue()
    await send('a', 'b')
    assert.deepEqual(
      aws.faults.calls.map(call => call.action),
      ['SendMessageBatch'],
    )
    const messages = await aws.drainQueue(queueUrl, { expect: 2 })
    assert.deepEqual(
      messages.map(({ Body, MessageAttributes }) => [Body, MessageAttributes?.n?.StringValue]).sort(),
      [
        ['a', '0'],
        ['b', '1'],
      ],
    )
    assert.equal(aws.emulator.inspectQueue(`queue-${name}`)?.messages.inflight.length, 0)
  })

  test('a drain gives what there is when the time is over', async () => {
    await newQueue()
    await send('only')
    assert.deepEqual(await drained(2, 300), ['only'])
  })

  test('a drain takes everything of a large backlog', async () => {
    await newQueue()
    for (let i = 0; i < 12; i++) await send(...Array.from({ length: 10 }, (_, j) => `${i}/${j}`))
    assert.equal(new Set(await drained(120)).size, 120)
  })

  test('FIFO queues keep the order of a group', async () => {
    const fifo = await aws.createQueue('orders.fifo', { ContentBasedDeduplication: 'true' })
    for (const MessageBody of ['1', '2', '3']) {
      await sqs.send(new SendMessageCommand({ QueueUrl: fifo, MessageBody, MessageGroupId: 'g' }))
    }
    const messages = await aws.drainQueue(fifo, { expect: 3 })
    assert.deepEqual(
      messages.map(({ Body, Attributes }) => [Body, Attributes?.MessageGroupId]),
      [
        ['1', 'g'],
        ['2', 'g'],
        ['3', 'g'],
      ],
    )
  })

  test('a topic reaches its queue, raw and not', async () => {
    const [wrapped, raw] = [await newQueue(), await newQueue()]
    const topic = await aws.createTopic('both')
    await aws.subscribeQueue(topic, wrapped)
    await aws.subscribeQueue(topic, raw, true)
    await sns.send(new PublishCommand({ TopicArn: topic, Message: 'hi' }))
    assert.equal((await aws.drainQueue(raw))[0]?.Body, 'hi')
    assert.equal(JSON.parse((await aws.drainQueue(wrapped))[0]?.Body ?? '{}').Message, 'hi')
  })

  test('SQS: a whole call fails with the status and the code', async () => {
    await newQueue()
    const fault = aws.faults.failCalls({
      action: 'SendMessageBatch',
      status: 503,
      code: 'ServiceUnavailable',
      times: 1,
    })
    await assert.rejects(send('a'), (error: Error & { $metadata: { httpStatusCode: number } }) => {
      assert.equal(error.name, 'ServiceUnavailable')
      assert.equal(error.$metadata.httpStatusCode, 503)
      return true
    })
    assert.equal(fault.hits, 1)
    await send('b')
    assert.deepEqual(await drained(1), ['b'])
  })

  test('SNS: a whole call fails with the status and the code', async () => {
    aws.faults.failCalls({ status: 400, code: 'Throttling', message: 'Rate exceeded' })
    await assert.rejects(publish('a'), { name: 'Throttling', message: 'Rate exceeded' })
  })

  test('a fault is for its action only, and ends', async () => {
    await newQueue()
    const fault = aws.faults.failCalls({ action: 'GetQueueAttributes', code: 'AccessDenied', status: 403 })
    await send('a')
    const ask = () =>
      sqs.send(new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }))
    await assert.rejects(ask(), { name: 'AccessDenied' })
    fault.end()
    await ask()
  })

  test('SQS: chosen entries fail and are not forwarded', async () => {
    await newQueue()
    const when = ({ body }: { body: string }) => body.startsWith('bad')
    const fault = aws.faults.failEntries({
      when,
      code: 'InternalError',
      senderFault: false,
      message: 'sorry',
    })
    const { Successful, Failed } = await send('good 1', 'bad 1', 'good 2', 'bad 2')
    assert.deepEqual(
      Successful?.map(entry => entry.Id),
      ['e0', 'e2'],
    )
    assert.deepEqual(Failed, [
      { Id: 'e1', Code: 'InternalError', SenderFault: false, Message: 'sorry' },
      { Id: 'e3', Code: 'InternalError', SenderFault: false, Message: 'sorry' },
    ])
    assert.deepEqual(await drained(3, 300), ['good 1', 'good 2'])

    assert.equal((await send('good 3')).Failed?.length, 0)
    assert.equal(fault.hits, 1)
    const all = await send('bad 3')
    assert.deepEqual([all.Successful?.length, all.Failed?.length], [0, 1])
  })

  test('SNS: chosen entries fail and are not forwarded', async () => {
    await aws.subscribeQueue(topicArn, await newQueue(), true)
    aws.faults.failEntries({ when: ({ id }) => id === 'e0', code: 'InvalidParameter', senderFault: true })
    const { Successful, Failed } = await publish('first', 'second & <third>', 'fourth')
    assert.deepEqual(
      Successful?.map(entry => entry.Id),
      ['e1', 'e2'],
    )
    assert.deepEqual(
      Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
      [['e0', 'InvalidParameter', true]],
    )
    const messages = await aws.drainQueue(queueUrl, { expect: 3, timeout: 300 })
    assert.deepEqual(
      messages.map(({ Body, MessageAttributes }) => [Body, MessageAttributes?.n?.StringValue]).sort(),
      [
        ['fourth', '2'],
        ['second & <third>', '1'],
      ],
    )
    const all = await publish('alone')
    assert.deepEqual([all.Successful?.length ?? 0, all.Failed?.length], [0, 1])
  })

  test('an answer is held back after forwarding', async () => {
    await newQueue()
    aws.faults.delayAnswers({ milliseconds: 400 })
    const began = performance.now()
    const sent = send('a')
    assert.deepEqual(await drained(1), ['a'])
    const arrived = performance.now() - began
    await sent
    assert.ok(performance.now() - began >= 390, 'the answer is late')
    assert.ok(arrived < performance.now() - began, 'the message is not')
  })

  test('a dropped answer leaves the caller in doubt, and the message there', async () => {
    await newQueue()
    const fault = aws.faults.dropAnswers({ action: 'SendMessageBatch', times: 1 })
    await assert.rejects(send('a'), { code: 'ECONNRESET' })
    assert.equal(fault.hits, 1)
    assert.deepEqual(await drained(1), ['a'])
  })

  test('a call that is left unanswered is not forwarded', async () => {
    await newQueue()
    const fault = aws.faults.leaveUnanswered({ times: 1 })
    const abort = new AbortController()
    const sent = sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'a' }), {
      abortSignal: abort.signal,
    })
    await until(() => fault.hits === 1)
    abort.abort()
    await assert.rejects(sent, { name: 'AbortError' })
    assert.deepEqual(await drained(1, 200), [])
  })

  test('goes down and comes up at the same address', async () => {
    await newQueue()
    await aws.faults.goDown()
    await assert.rejects(send('a'), { code: 'ECONNREFUSED' })
    await aws.faults.comeUp()
    await send('b')
    assert.deepEqual(await drained(1), ['b'])
  })
})
