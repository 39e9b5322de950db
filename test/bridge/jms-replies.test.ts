import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { tokenHeader } from '../../src/route/reply/requests.ts'
import { signToken } from '../../src/route/reply/token.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { describeWithJms } from '../support/jms.ts'
import { until } from '../support/until.ts'
import { askFromCloud, cloudService } from './cloud-service.ts'
import { activemq, artemis, bridgeOf, cloudAnswers, key, unique } from './jms-setting.ts'
import { bodiesIn, inQueue, suiteAws } from './setting.ts'

let aws: TestAws

for (const manner of [activemq, artemis]) {
  await describeWithJms(manner.name, 'JMS requesters and services', (broker, jms) => {
    suiteAws(started => {
      aws = started
    })

    /** JMS requesters ask a service on SQS. */
    async function askTheCloud(t: TestContext) {
      const [questions, cloud, answers] = [unique('questions'), unique('requests'), unique('replies')]
      const [requestsUrl, answersUrl] = [await aws.createQueue(cloud), await aws.createQueue(answers)]
      const { bridge, letters } = await bridgeOf(t, aws, broker, manner, {
        ask: {
          from: { connection: 'broker', queue: questions },
          request: { reply_to: answers, timeout: '60s' },
          targets: { main: { connection: 'cloud', queue: cloud } },
        },
        answer: {
          from: { connection: 'cloud', queue: answers, wait: '1s' },
          reply: true,
          targets: { main: { connection: 'broker', address: '${address}' } },
        },
      })
      const failed = (reason: string) =>
        bridge.metric('sluice_replies_failed_total', { route: 'answer', reason })
      return { bridge, letters, questions, cloud, requestsUrl, answersUrl, answers, failed }
    }

    test('1,000 at once get their answers of a service on SQS, each its own, at one temporary queue', async t => {
      const { bridge, letters, questions, requestsUrl, answers } = await askTheCloud(t)
      const service = cloudService(t, aws, requestsUrl)
      const { milliseconds, ...counts } = await jms.request(questions, 1_000)
      t.diagnostic(`1,000 requests in parallel, JMS to SQS and back: ${milliseconds} ms`)
      assert.deepEqual(counts, { asked: 1_000, right: 1_000, wrong: 0, firstWrong: null })
      const { milliseconds: _, ...more } = await jms.request(questions, 50, 'message ids')
      assert.deepEqual(more, { asked: 50, right: 50, wrong: 0, firstWrong: null })
      assert.equal(service.answered(), 1_050)
      assert.equal(inQueue(aws, answers).length, 0)
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await letters(), [])
    })

    const autoCreates =
      manner === artemis && 'Artemis makes the queue of an answer that nobody waits for, and keeps it there'

    test('a requester that is gone before its answer harms no one else', { skip: autoCreates }, async t => {
      const { bridge, letters, questions, cloud, requestsUrl, failed } = await askTheCloud(t)
      await jms.abandon(questions, 40)
      await until(() => inQueue(aws, cloud).length === 40, { what: 'the requests' })
      cloudService(t, aws, requestsUrl)
      const { milliseconds: _, ...counts } = await jms.request(questions, 40)
      assert.deepEqual(counts, { asked: 40, right: 40, wrong: 0, firstWrong: null })
      await until(async () => (await failed('undeliverable')) === 40, { what: 'the failed replies' })
      assert.equal(await bridge.metric('sluice_breakers_opened_total'), 0)
      assert.equal(await bridge.metric('sluice_links_lost_total'), 0)
      assert.equal(await bridge.stop(), 0)
      const dead = await letters()
      assert.equal(dead.length, 40)
      for (const { reason, route } of dead) {
        assert.equal(route, 'answer')
        assert.match(reason, /temp-queue:\/\/ID:/)
      }
      t.diagnostic(dead[0]!.reason)
    })

    test('no requester sees a forged or a late answer', async t => {
      const { bridge, letters, answersUrl, questions, requestsUrl, failed } = await askTheCloud(t)
      const to = {
        connection: 'broker',
        address: manner.temporary.replace('*', 'x'),
        expiresAt: Date.now() + 60_000,
      }
      const tokens = {
        forged: signToken({ ...key, secret: 'another secret than the one' }, to),
        'of a key that is not there': signToken({ ...key, id: 'k9' }, to),
        'for a place that is not allowed': signToken(key, { ...to, address: manner.queue('PAYROLL') }),
        'no token': 'nonsense',
        late: signToken(key, { ...to, expiresAt: Date.now() - 5_000 }),
      }
      for (const [MessageBody, StringValue] of Object.entries(tokens)) {
        const MessageAttributes = { [tokenHeader]: { DataType: 'String', StringValue } }
        await aws.sqs.send(new SendMessageCommand({ QueueUrl: answersUrl, MessageBody, MessageAttributes }))
      }
      await until(async () => (await letters()).length === 5, { what: 'five dead letters' })
      const reasons = new Map(
        (await letters()).map(l => [l.message.body.kind === 'text' && l.message.body.text, l.reason]),
      )
      assert.match(reasons.get('forged')!, /forged or was altered/)
      assert.match(reasons.get('of a key that is not there')!, /the key "k9", which is not configured/)
      assert.match(reasons.get('for a place that is not allowed')!, /no pattern of reply_to_allow covers/)
      assert.match(reasons.get('no token')!, /none of ours/)
      assert.match(reasons.get('late')!, /came \d+ s after its request had expired/)
      assert.equal(await failed('late'), 1)
      assert.equal(await failed('undeliverable'), 4)
      cloudService(t, aws, requestsUrl)
      assert.equal((await jms.request(questions, 1)).right, 1)
      assert.equal(await bridge.metric('sluice_breakers_opened_total'), 0)
      assert.equal(await bridge.stop(), 0)
    })

    test('a JMS service answers 500 requests from the cloud at once, each at the queue that it names', async t => {
      const [requests, service, home] = [unique('requests'), unique('service'), unique('home')]
      const places = [unique(cloudAnswers), unique(cloudAnswers)]
      const requestsUrl = await aws.createQueue(requests)
      for (const place of places) await aws.createQueue(place)
      const { bridge, letters } = await bridgeOf(t, aws, broker, manner, {
        ask: {
          from: { connection: 'cloud', queue: requests, wait: '1s' },
          mapping: [{ set: { reply_to: '${headers.answer_to}', correlation_id: '${headers.request_id}' } }],
          request: { reply_to: manner.queue(home), timeout: '60s' },
          targets: { main: { connection: 'broker', queue: service } },
        },
        answer: {
          from: { connection: 'broker', queue: home },
          reply: true,
          mapping: [{ set: { headers: { request_id: '${properties.correlation_id}' } } }],
          targets: { main: { connection: 'cloud', queue: '${address}' } },
        },
      })
      const answering = await jms.serve(t, service)
      const ids = Array.from({ length: 500 }, (_, i) => `request ${i} 😀`)
      const questions = ids.map((id, i) => ({ id, text: `question ${i}`, answerTo: places[i % 2]! }))
      await askFromCloud(aws.sqs, requestsUrl, questions)
      await until(() => places.flatMap(place => bodiesIn(aws, place)).length >= 500, {
        what: '500 answers',
        timeout: 60_000,
      })
      assert.equal(await bridge.stop(), 0)
      assert.equal(await answering.stop(), 500)
      for (const [p, place] of places.entries()) {
        const found = new Map(
          inQueue(aws, place).map(m => [m.messageAttributes.request_id?.StringValue, m.body]),
        )
        const wanted = questions
          .filter((_, i) => i % 2 === p)
          .map(q => [q.id, `answer to ${q.text}`] as const)
        assert.deepEqual(found, new Map(wanted))
      }
      assert.deepEqual(await letters(), [])
    })
  })
}
