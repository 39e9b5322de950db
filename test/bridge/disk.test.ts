import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { type BridgeProcess, runBridge, startSluice } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { arrived, bodiesIn, numbered, onlyRoute, repetitions, suiteAws } from './setting.ts'
import { sources } from './sources.ts'

function diskFolder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'sluice-disk-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const onDisk = (bridge: BridgeProcess) => bridge.metric('sluice_disk_records')

await describeOnBroker('mosquitto', 'the bridge from MQTT with a disk buffer', broker => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  test('loses nothing of more than the broker keeps, though the target is away and it is killed twice', async t => {
    const open = await sources.mqtt5.open(broker)
    t.after(() => open.close())
    const place = await open.create()
    const queue = 'buffered'
    await aws.createQueue(queue)
    const { connection, from } = open.config(place)
    const buffer = { disk: { path: diskFolder(t), max_bytes: '64MiB' } }
    const config = onlyRoute(aws, { connection, from, queue, concurrency: 4, buffer })
    const bodies = numbered(1_600)
    const away = aws.faults.failCalls({ action: 'SendMessageBatch', code: 'ServiceUnavailable', status: 503 })
    // The broker keeps 1,000 for a session: what it was sent beyond those is on the disk when it is sent more.
    const step = 400
    let kills = 0
    let bridge = await runBridge(t, config)
    await bridge.connected()
    for (let i = 0; i < bodies.length; i += step) {
      const producing = open.produce(place, bodies.slice(i, i + step))
      if (i % (2 * step) === 0) {
        await until(async () => (await onDisk(bridge)) >= i + 50, { what: `${i + 50} on the disk`, every: 2 })
        await bridge.kill()
        kills++
        bridge = await runBridge(t, config)
      }
      await producing
      const sent = Math.min(i + step, bodies.length)
      await until(async () => (await onDisk(bridge)) >= sent, {
        what: `${sent} on the disk`,
        timeout: 30_000,
      })
    }
    assert.equal(bodiesIn(aws, queue).length, 0)
    away.end()
    await arrived(aws, queue, bodies)
    await until(async () => (await onDisk(bridge)) === 0, { what: 'the disk to be empty' })
    assert.equal(await bridge.stop(), 0)
    const repeated = repetitions(bodiesIn(aws, queue))
    t.diagnostic(`${kills} kills, ${repeated} of ${bodies.length} came twice`)
    assert.ok(kills === 2 && repeated <= 1_000)
  })

  test('repeats after a kill in the middle of sending no more than what was on its way', async t => {
    const open = await sources.mqtt311.open(broker)
    t.after(() => open.close())
    const place = await open.create()
    const queue = 'sending'
    await aws.createQueue(queue)
    const slow = aws.faults.delayAnswers({ action: 'SendMessageBatch', milliseconds: 30 })
    const { connection, from } = open.config(place)
    const path = diskFolder(t)
    const config = onlyRoute(aws, {
      connection,
      from: { ...from, prefetch: 100 },
      queue,
      concurrency: 2,
      buffer: { disk: { path } },
    })
    const bodies = numbered(900)
    let bridge = await runBridge(t, config)
    await bridge.connected()
    await open.produce(place, bodies)
    for (const share of [0.3, 0.7]) {
      await until(() => new Set(bodiesIn(aws, queue)).size >= bodies.length * share, {
        what: `${share}`,
        every: 2,
      })
      await bridge.kill()
      bridge = await runBridge(t, config)
    }
    slow.end()
    await arrived(aws, queue, bodies)
    await until(async () => (await onDisk(bridge)) === 0, { what: 'the disk to be empty' })
    assert.equal(await bridge.stop(), 0)
    const repeated = repetitions(bodiesIn(aws, queue))
    t.diagnostic(`${repeated} of ${bodies.length} came twice`)
    // Those in flight at each kill, and what the broker had no PUBACK for.
    assert.ok(repeated <= 2 * 200, `${repeated} came twice`)
    const left = readdirSync(join(path, 'only')).filter(name => name.endsWith('.segment'))
    assert.deepEqual(left, [])
  })
})

describe('the bridge with a disk buffer that it cannot have', () => {
  const config = (path: string, more: object = {}) => ({
    connections: { here: { protocol: 'memory' } },
    routes: {
      only: {
        from: { connection: 'here', queue: 'in' },
        targets: { main: { connection: 'here', queue: 'out' } },
        dead_letter: [{ folder: '/tmp/never' }],
        buffer: { disk: { path, ...more } },
      },
    },
    admin: { port: 0 },
  })

  it('refuses to start while another has its folder, and starts when that one is gone, killed or not', async t => {
    const path = diskFolder(t)
    const first = await runBridge(t, config(path))
    const file = join(path, 'second.yaml')
    writeFileSync(file, stringify(config(path)))
    const second = startSluice(t, 'run', file)
    assert.equal(await second.code, 1)
    assert.match(
      second.out(),
      /"level":"fatal".*the disk buffer .*only is in use by another process \(process \d+ on .*each bridge needs a folder of its own/,
    )
    await first.kill()
    const third = await runBridge(t, config(path))
    assert.equal(await third.stop(), 0)
  })
})
