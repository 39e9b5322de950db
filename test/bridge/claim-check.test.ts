import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { runBridge } from '../support/bridge-process.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { describeWithJava } from '../support/jms.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, inQueue, quick, suiteAws } from './setting.ts'

let aws: TestAws
let sqs: SQSClient
let s3: S3Client

/** An AWS with a bucket, for the suite. */
function suite(): void {
  suiteAws(started => {
    aws = started
  })
  before(() => {
    const settings = { endpoint: aws.directEndpoint, region: aws.region, credentials: aws.credentials }
    sqs = new SQSClient(settings)
    s3 = new S3Client({ ...settings, forcePathStyle: true })
    aws.emulator.createBucket('big')
  })
  after(() => {
    sqs.destroy()
    s3.destroy()
  })
}

const keys = async () =>
  ((await s3.send(new ListObjectsV2Command({ Bucket: 'big' }))).Contents ?? []).map(c => c.Key!)

const connections = () => ({
  cloud: awsConnection('sqs', aws, true),
  topics: { ...awsConnection('sqs', aws, true), protocol: 'sns' },
  archive: { ...awsConnection('sqs', aws, true), protocol: 's3' },
})

/** A bridge with these routes; dead letters go to a folder where they have no other place. */
async function bridgeOf(t: TestContext, routes: object) {
  const dead = deadFolder(t)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: connections(),
    routes,
  })
  await bridge.connected()
  return { bridge, letters: dead.letters }
}

const from = (queue: string, more = {}) => ({ connection: 'cloud', queue, wait: '1s', ...more })
const check = (prefix: string, more = {}) => ({ bucket: 'big', prefix, ...more })
const send = (QueueUrl: string, MessageBody: string, more = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, ...more }))

describe('the bridge with a claim check', () => {
  suite()

  test('what is too large for a queue goes through S3 and back, small messages beside it; each arrives once', async t => {
    const first = await aws.createQueue('cc-in')
    await aws.createQueue('cc-between')
    await aws.createQueue('cc-out')
    const { bridge, letters } = await bridgeOf(t, {
      out: {
        from: from('cc-in'),
        targets: { main: { connection: 'cloud', queue: 'cc-between', claim_check: check('one/') } },
      },
      back: {
        from: from('cc-between', { claim_check: check('one/', { delete: true }) }),
        targets: { main: { connection: 'cloud', queue: 'cc-out' } },
      },
    })
    const bodies = Array.from({ length: 20 }, (_, i) => `${i} ${i % 2 ? 'small' : 'ü'.repeat(400_000)}`)
    const attributes = { MessageAttributes: { n: { DataType: 'Number.int', StringValue: '5' } } }
    for (const body of bodies) await send(first, body, attributes)
    await until(() => bodiesIn(aws, 'cc-out').length >= 20, { what: 'all', timeout: 30_000 })
    await until(() => bodiesIn(aws, 'cc-between').length === 0, { what: 'all deleted' })
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(bodiesIn(aws, 'cc-out').sort(), bodies.toSorted())
    const [one] = inQueue(aws, 'cc-out')
    assert.deepEqual(Object.keys(one!.messageAttributes).sort(), ['n', 'sluice_properties'])
    assert.deepEqual(await letters(), [])
    assert.deepEqual(await keys(), [])
  })

  test('what is too large without one, and a forged pointer, are dead letters in S3, whole, and others go on', async t => {
    const queue = await aws.createQueue('cc-forged')
    await aws.createQueue('cc-small', { MaximumMessageSize: '2048' })
    await s3.send(new PutObjectCommand({ Bucket: 'big', Key: 'secret', Body: 'secret' }))
    const { bridge } = await bridgeOf(t, {
      only: {
        from: from('cc-forged', { claim_check: check('docs/') }),
        targets: { main: { connection: 'cloud', queue: 'cc-small' } },
        dead_letter: [
          { connection: 'cloud', queue: 'cc-small' },
          { connection: 'archive', bucket: 'big', prefix: 'dead/' },
        ],
      },
    })
    const pointer =
      '["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"big","s3Key":"secret"}]'
    const size = { MessageAttributes: { ExtendedPayloadSize: { DataType: 'Number', StringValue: '6' } } }
    const large = 'x'.repeat(1_000_000)
    await send(queue, large)
    await send(queue, pointer, size)
    await send(queue, 'good')
    await until(() => bodiesIn(aws, 'cc-forged').length === 0, { what: 'all', timeout: 30_000 })
    assert.equal(await bridge.stop(), 0)
    const inSmall = bodiesIn(aws, 'cc-small')
    assert.ok(inSmall.includes('good'))
    const dead = (await keys()).filter(key => key.startsWith('dead/'))
    const records = inSmall.filter(body => body !== 'good').map(body => JSON.parse(body))
    for (const Key of dead) {
      const { GetObjectCommand } = await import('@aws-sdk/client-s3')
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'big', Key }))
      records.push(JSON.parse(await Body!.transformToString()))
    }
    assert.equal(dead.length, 1, 'that of the large one')
    const [forged, tooLarge] = records.toSorted(
      (a, b) => a.message.body.text.length - b.message.body.text.length,
    )
    assert.match(
      forged.reason,
      /^its body is the object "secret" in bucket "big", which is not below the prefix "docs\/"/,
    )
    assert.equal(forged.message.body.text, pointer)
    assert.match(
      tooLarge.reason,
      /has \d+ bytes with its attributes, and SQS takes 2048 there: claim_check stores/,
    )
    assert.equal(tooLarge.message.body.text, large)
  })
})

describeWithJava('AWS’s extended clients for Java', java => {
  suite()
  const run = (command: string, place: string, number: number) =>
    java('sluice.jms.Large', command, aws.directEndpoint, 'big', place, String(number))

  test('read what the bridge sends to a queue and to a topic, and the bridge reads what they send', async t => {
    const [toJava, source] = [await aws.createQueue('ccj-to-java'), await aws.createQueue('ccj-in')]
    const [fromJava, subscribed] = [
      await aws.createQueue('ccj-from-java'),
      await aws.createQueue('ccj-subscribed'),
    ]
    const notified = await aws.createQueue('ccj-notified')
    await aws.createQueue('ccj-out')
    const [outward, inward] = [await aws.createTopic('ccj-outward'), await aws.createTopic('ccj-inward')]
    await aws.subscribeQueue(outward, subscribed, true)
    await aws.subscribeQueue(inward, fromJava, true)
    await aws.subscribeQueue(inward, notified)
    const out = { main: { connection: 'cloud', queue: 'ccj-out', claim_check: check('out/') } }
    const { bridge, letters } = await bridgeOf(t, {
      'to-java': {
        from: from('ccj-in'),
        targets: {
          queue: { connection: 'cloud', queue: 'ccj-to-java', claim_check: check('java/') },
          topic: { connection: 'topics', topic: outward, claim_check: check('java/') },
        },
      },
      'from-java': { from: from('ccj-from-java', { claim_check: check('') }), targets: out },
      notified: { from: from('ccj-notified', { claim_check: check(''), body: 'sns' }), targets: out },
    })
    const large = 'ü'.repeat(200_000)
    await send(source, large, { MessageAttributes: { site: { DataType: 'String', StringValue: 'north' } } })
    await run('send', fromJava, 200_000)
    await run('publish', inward, 200_000)
    for (const queue of [toJava, subscribed]) {
      const [read] = (await run('read', queue, 1)) as { body: string; attributes: Record<string, string> }[]
      assert.equal(read!.body, large)
      assert.equal(read!.attributes.site, 'String north')
      assert.ok(!Object.keys(read!.attributes).some(name => name.endsWith('PayloadSize')))
    }
    await until(() => bodiesIn(aws, 'ccj-out').length === 3, { what: 'those of Java', timeout: 30_000 })
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(await letters(), [])
    const sent = (await run('read', await aws.createQueue('ccj-out'), 3)) as { body: string }[]
    assert.deepEqual(
      sent.map(m => m.body === large),
      [true, true, true],
    )
    // The Java reader deletes the objects of what it deletes: that of each target was its own.
    assert.deepEqual(
      (await keys()).filter(key => /^(java|out)\//.test(key)),
      [],
    )
  })
})
