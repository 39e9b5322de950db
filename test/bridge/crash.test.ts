import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type BridgeProcess, runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { arrived, bodiesIn, numbered, onlyRoute, repetitions, suiteAws, titleOf } from './setting.ts'
import { type OpenSource, oneOfEach, type SourceCase } from './sources.ts'

let aws: TestAws

/** One route, slow enough (800 messages a second) to be met in the middle of its work. */
async function slowRoute(t: TestContext, queue: string, source: SourceCase, open: OpenSource) {
  const place = await open.create()
  await aws.createQueue(queue)
  const slow = aws.faults.delayAnswers({ action: 'SendMessageBatch', milliseconds: 50 })
  t.after(() => slow.end())
  const { connection, from } = open.config(place)
  const config = onlyRoute(aws, { connection, from, queue, concurrency: 4 })
  const bodies = numbered(source.keeps)
  return { place, config, bodies, slow }
}

const atLeast = (queue: string, count: number) =>
  until(() => new Set(bodiesIn(aws, queue)).size >= count, {
    what: `${count} messages in ${queue}`,
    timeout: 30_000,
    every: 5,
  })

const unsettled = (bridge: BridgeProcess) => bridge.metric('sluice_messages_buffered')

for (const source of oneOfEach) {
  await describeOnBroker(source.broker, titleOf(source), broker => {
    suiteAws(started => {
      aws = started
    })
    test('loses nothing when it is killed twice in the middle', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const queue = `killed-${source.broker}-${source.title.replace(/\W/g, '')}`
      const { place, config, bodies, slow } = await slowRoute(t, queue, source, open)
      await open.produce(place, bodies)
      for (const share of [0.25, 0.6]) {
        const bridge = await runBridge(t, config)
        await atLeast(queue, bodies.length * share)
        // Calls that never arrive at SQS: what is in them must not have been settled.
        const silent = aws.faults.leaveUnanswered({ action: 'SendMessageBatch' })
        await until(() => silent.hits >= 2, { what: 'calls in flight' })
        await bridge.kill()
        silent.end()
        assert.ok(new Set(bodiesIn(aws, queue)).size < bodies.length, 'it was killed after the end')
      }
      slow.end()
      const bridge = await runBridge(t, config)
      await arrived(aws, queue, bodies)
      await until(async () => (await unsettled(bridge)) === 0, { what: 'the last to be settled' })
      assert.equal(await bridge.stop(), 0)
      // Each kill can repeat what was unsettled at the moment: at most the prefetch.
      const repeated = repetitions(bodiesIn(aws, queue))
      t.diagnostic(`${repeated} of ${bodies.length} came twice`)
      assert.ok(repeated <= 1_000, `${repeated} came twice`)
      if (open.left) assert.equal(await open.left(place), 0)
    })

    test('stops on SIGTERM under load, in time, and the next run goes on where it was', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const queue = `stopped-${source.broker}-${source.title.replace(/\W/g, '')}`
      const { place, config, bodies } = await slowRoute(t, queue, source, open)
      await open.produce(place, bodies)
      const bridge = await runBridge(t, config)
      await atLeast(queue, bodies.length * 0.4)
      const began = performance.now()
      assert.equal(await bridge.stop(), 0)
      const seconds = (performance.now() - began) / 1_000
      assert.ok(seconds < 10, `took ${seconds} s`)
      assert.match(bridge.out(), /stopped; everything was finished/)
      assert.ok(bodiesIn(aws, queue).length < bodies.length, 'it was stopped after the end')

      const next = await runBridge(t, config)
      await arrived(aws, queue, bodies)
      assert.equal(await next.stop(), 0)
      const repeated = repetitions(bodiesIn(aws, queue))
      t.diagnostic(`${repeated} of ${bodies.length} came twice`)
      if (source.givesBack) assert.equal(repeated, 0)
    })
  })
}

const [source] = oneOfEach
await describeOnBroker(source!.broker, 'the bridge that cannot finish', broker => {
  suiteAws(started => {
    aws = started
  })
  test('is forced by a second signal, gives back and exits 0; nothing is lost', async t => {
    const open = await source!.open(broker)
    t.after(() => open.close())
    const { place, config, bodies } = await slowRoute(t, 'forced', source!, open)
    const silent = aws.faults.leaveUnanswered({ action: 'SendMessageBatch' })
    t.after(() => silent.end())
    await open.produce(place, bodies)
    const bridge = await runBridge(t, { ...config, stop_timeout: '10m' })
    await until(async () => (await unsettled(bridge)) > 0, { what: 'messages in flight' })
    bridge.child.kill('SIGTERM')
    await bridge.logged({ msg: /^stopping/ })
    const began = performance.now()
    assert.equal(await bridge.stop(), 0)
    assert.ok(performance.now() - began < 15_000, 'the second signal was not heard')
    assert.match(bridge.out(), /what was unfinished is with its broker again/)
    silent.end()
    const next = await runBridge(t, config)
    await arrived(aws, 'forced', bodies)
    assert.equal(await next.stop(), 0)
    assert.equal(repetitions(bodiesIn(aws, 'forced')), 0)
  })

  test('gives back at its deadline', async t => {
    const open = await source!.open(broker)
    t.after(() => open.close())
    const { place, config, bodies } = await slowRoute(t, 'late', source!, open)
    const down = aws.faults.failCalls({ action: 'SendMessageBatch', code: 'ServiceUnavailable', status: 503 })
    t.after(() => down.end())
    await open.produce(place, bodies)
    const bridge = await runBridge(t, { ...config, stop_timeout: '500ms' })
    await until(async () => (await unsettled(bridge)) > 0, { what: 'messages in flight' })
    const began = performance.now()
    assert.equal(await bridge.stop(), 0)
    assert.ok(performance.now() - began < 10_000, 'it took no heed of its deadline')
    await until(async () => (await open.left?.(place)) === bodies.length, { what: 'all to be back' })
  })
})
