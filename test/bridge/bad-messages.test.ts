import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import {
  arrived,
  awsConnection,
  bodiesIn,
  bytesOf,
  deadFolder,
  inQueue,
  quick,
  suiteAws,
  titleOf,
} from './setting.ts'
import { oneOfEach, sources } from './sources.ts'

let aws: TestAws

await takeEveryCharacter()
const mebibyte = 2 ** 20

/** What SQS does not take, with nothing packed, and how the dead letter says so. */
const bad: readonly {
  readonly title: string
  readonly body: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly reason: RegExp
}[] = [
  { title: 'two mebibytes', body: Buffer.alloc(2 * mebibyte, 'x'), reason: /209\d{4} bytes.*takes 1048576/ },
  {
    title: 'bytes that are too many in base64',
    body: Buffer.alloc(800_000, 0xff),
    reason: /1066\d{3} bytes.*takes 1048576/,
  },
  {
    title: 'thirty headers',
    body: Buffer.from('thirty'),
    headers: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`h${i}`, `${i}`])),
    reason: /has 30 headers and SQS takes 10/,
  },
  {
    title: 'a header name with a blank',
    body: Buffer.from('blank'),
    headers: { 'the tenant': 'acme' },
    reason: /"the tenant" cannot be an attribute: names are/,
  },
  {
    title: 'a header name with a blank beside a body that is no text',
    body: Buffer.of(0xff, 0, 0xfe),
    headers: { 'the site': 'north' },
    reason: /"the site" cannot be an attribute: names are/,
  },
  {
    title: 'a reserved header name',
    body: Buffer.from('reserved'),
    headers: { 'AWS.trace': '1' },
    reason: /"AWS.trace" cannot be an attribute: .*reserved/,
  },
]

/** What looks odd and must arrive: as it is, or so that it can be restored. */
const odd: readonly { readonly body: Buffer; readonly written?: string; readonly encoding?: string }[] = [
  { body: Buffer.from('Grüße 😀👩‍👩‍👧 \u{10ffff}\t\r\n') },
  { body: Buffer.alloc(mebibyte - 1_024, 'x') },
  { body: Buffer.from('  ') },
  { body: Buffer.of(0xff, 0xfe, 0x80), written: '//6A', encoding: 'base64' },
  { body: Buffer.from('ab\0c'), written: 'YWIAYw==', encoding: 'base64' },
  { body: Buffer.alloc(0), written: ' ', encoding: 'empty' },
]

for (const [i, source] of oneOfEach.entries()) {
  await describeOnBroker(source.broker, titleOf(source), broker => {
    suiteAws(started => {
      aws = started
    })
    test('dead-letters what SQS does not take, exactly, and carries all else', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const dead = deadFolder(t)
      const place = await open.create()
      const [queue, letters] = [`bad-${i}`, `bad-${i}-dead`]
      for (const name of [queue, letters]) await aws.createQueue(name)
      const { connection, from } = open.config(place)
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ connection: 'cloud', queue: letters }, { folder: dead.path }] },
        connections: { broker: connection, cloud: awsConnection('sqs', aws) },
        routes: {
          bad: {
            from: { connection: 'broker', ...from },
            targets: { main: { connection: 'cloud', queue, attributes: { overflow: 'refuse' } } },
          },
        },
      })
      await bridge.connected()

      for (const { title, body, headers = {} } of bad) {
        await open.send(place, body, headers)
        await open.produce(place, [Buffer.from(`after ${title}`)])
        await arrived(aws, queue, [Buffer.from(`after ${title}`)])
      }
      for (const { body } of odd) await open.send(place, body, {})
      await arrived(
        aws,
        queue,
        odd.map(({ body, written }) => Buffer.from(written ?? body)),
      )
      await until(async () => (await bridge.metric('sluice_messages_buffered')) === 0, {
        what: 'all settled',
      })
      assert.equal(inQueue(aws, queue).length, bad.length + odd.length)

      for (const { body, written = body.toString(), encoding } of odd) {
        const { messageAttributes } = inQueue(aws, queue).find(m => m.body === written)!
        const properties = JSON.parse(messageAttributes.sluice_properties!.StringValue!)
        assert.equal(properties.encoding, encoding, written)
      }

      // The records of the large ones are too large for SQS itself: they are in the next place.
      const found = [...bodiesIn(aws, letters).map(readRecord), ...(await dead.letters())]
      assert.equal(found.length, bad.length)
      assert.equal((await dead.letters()).length, 2)
      for (const { title, body, headers = {}, reason } of bad) {
        const letter = found.find(l => reason.test(l.reason))
        assert.ok(letter, `${title}: none of ${found.map(l => l.reason).join('; ')}`)
        assert.deepEqual([letter.route, letter.target, letter.kind], ['bad', 'main', 'refused'])
        assert.deepEqual(bytesOf(letter.message), Buffer.from(body), title)
        for (const [name, value] of Object.entries(headers)) {
          assert.deepEqual(letter.message.headers[name], { type: 'string', value })
        }
      }
      // The log says the first at once and counts those that follow soon.
      await bridge.logged({ level: 'error', msg: /dead-lettered/, target: 'main', reason: bad[0]!.reason })
      assert.equal(await bridge.metric('sluice_messages_dead_lettered_total'), bad.length)
      assert.equal(await bridge.stop(), 0)
      if (open.left) assert.equal(await open.left(place), 0)
    })
  })
}

await describeOnBroker(sources.mqtt5.broker, 'the bridge from MQTT', broker => {
  suiteAws(started => {
    aws = started
  })
  for (const source of [sources.mqtt311, sources.mqtt5]) {
    test(`carries equal bodies to a FIFO queue, each of them, over ${source.title}`, async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const place = await open.create()
      const queue = `valves-${source.title.length}.fifo`
      await aws.createQueue(queue, { ContentBasedDeduplication: 'true' })
      const { connection, from } = open.config(place)
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }] },
        connections: { broker: connection, cloud: awsConnection('sqs', aws) },
        routes: {
          valves: {
            from: { connection: 'broker', ...from },
            targets: { main: { connection: 'cloud', queue } },
          },
        },
      })
      const said = ['OPEN', 'CLOSE', 'OPEN', 'OPEN', 'last']
      for (const body of said) await open.produce(place, [Buffer.from(body)])
      await arrived(aws, queue, [Buffer.from('last')])
      assert.deepEqual(bodiesIn(aws, queue), said)
      assert.equal(await bridge.stop(), 0)
    })
  }
})

/** The emulator (fauxqs 2.4.1) looks for forbidden characters by halves of a surrogate pair, and so refuses any emoji. */
async function takeEveryCharacter(): Promise<void> {
  const { INVALID_MESSAGE_BODY_CHAR } = await import(
    new URL('sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href
  )
  const whole = new RegExp(INVALID_MESSAGE_BODY_CHAR.source.replace(']', '\\u{10000}-\\u{10ffff}]'), 'u')
  Object.assign(INVALID_MESSAGE_BODY_CHAR, { test: (text: string) => whole.test(text) })
}
