import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MessageRefused, SinkUnavailable } from '../../../src/core/errors.ts'
import { text } from '../../../src/core/value.ts'
import { takeLock } from '../../../src/route/disk/lock.ts'
import { until } from '../../support/until.ts'
import { bodies, deadFiles, message } from '../route-on-memory.ts'
import { bufferedRoute } from './buffered.ts'

const numbered = (count: number, first = 1) => Array.from({ length: count }, (_, i) => `m${first + i}`)
const never = new AbortController().signal

describe('a route with a disk buffer', () => {
  it('settles the source while its target is away, and sends everything in order once it is there', async t => {
    const { start, source, target, events, folder } = await bufferedRoute(t, {
      order: { ordering: 'strict', onRefused: 'continue' },
    })
    target.down = true
    const route = await start()
    for (const body of numbered(300)) source.put(message(body))
    await until(() => route.status().disk?.records === 300, { what: 'all to be on the disk' })
    await until(() => events.filter(e => e.type === 'settled').length === 300)
    assert.equal(source.messages.length, 0)
    assert.equal(route.status().source.messages, 0)
    target.down = false
    await until(() => target.messages.length === 300, { what: 'all to arrive' })
    assert.deepEqual(bodies(target.messages), numbered(300))
    await until(() => route.status().disk?.records === 0)
    assert.equal(events.filter(e => e.type === 'received').length, 300)
    assert.equal(events.filter(e => e.type === 'settled').length, 300)
    await route.stop(never)
    assert.deepEqual(
      (await readdir(folder)).filter(name => name.endsWith('.segment')),
      [],
    )
  })

  it('goes on after a restart where it was: same order, same deduplication ids, nothing twice', async t => {
    const { start, source, target } = await bufferedRoute(t, {
      order: { ordering: 'strict', onRefused: 'continue' },
    })
    const first = await start()
    for (const body of numbered(50)) source.put(message(body))
    await until(() => target.messages.length === 50)
    await until(() => first.status().disk?.records === 0)
    target.down = true
    target.cut()
    for (const body of numbered(50, 51)) source.put(message(body, { headers: { n: text(body) } }))
    await until(() => first.status().disk?.records === 50)
    await first.stop(AbortSignal.timeout(50))
    target.down = false
    const second = await start()
    assert.equal(second.status().disk?.records, 50)
    await until(() => target.messages.length === 100)
    assert.deepEqual(bodies(target.messages), numbered(100))
    await until(() => second.status().disk?.records === 0)
    for (const body of numbered(10, 101)) source.put(message(body))
    await until(() => target.messages.length === 110)
    assert.deepEqual(bodies(target.messages), numbered(110))
  })

  it('gives a message the same deduplication id after a restart, though its source names none', async t => {
    const { start, source, target } = await bufferedRoute(t)
    const tried = new Map<string, unknown>()
    target.failWith = m => {
      tried.set(bodies([m])[0]!, m.properties.deduplicationId)
      return new SinkUnavailable('not now')
    }
    const first = await start()
    for (const body of numbered(5)) source.put(message(body))
    await until(() => tried.size > 0 && first.status().disk?.records === 5)
    await first.stop(AbortSignal.timeout(50))
    target.failWith = undefined
    await start()
    await until(() => target.messages.length === 5)
    for (const m of target.messages) {
      const before = tried.get(bodies([m])[0]!)
      assert.ok(m.properties.deduplicationId)
      if (before !== undefined) assert.equal(m.properties.deduplicationId, before)
    }
  })

  it('keeps the group order through the disk', async t => {
    const { start, source, target } = await bufferedRoute(t, { fifo: true })
    let failures = 0
    target.failWith = () => (++failures % 3 === 0 ? new SinkUnavailable('not this time') : undefined)
    const route = await start()
    for (const [i, body] of numbered(200).entries())
      source.put(message(body, { properties: { groupId: `g${i % 5}` } }))
    await until(() => route.status().disk?.records === 0 && target.messages.length >= 200, {
      what: 'all to arrive',
    })
    for (const group of ['g0', 'g1', 'g2', 'g3', 'g4']) {
      const numbers = target.messages
        .filter(m => m.properties.groupId === group)
        .map(m => Number(bodies([m])[0]!.slice(1)))
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }
  })

  it('takes no more when the disk is full, says so, leaves the rest with the broker, and goes on when there is room', async t => {
    const { start, source, target, events } = await bufferedRoute(t, { maxBytes: 2 ** 20 })
    target.down = true
    const route = await start()
    const all = numbered(400).map(body => body.padEnd(8_000, '.'))
    for (const body of all) source.put(message(body))
    await until(() => events.some(e => e.type === 'disk_full' && e.reason !== undefined), {
      what: 'the disk to be full',
    })
    await until(() => route.status().source.credit === 0)
    const { bytes } = route.status().disk!
    assert.ok(bytes <= 2 ** 20 && bytes > 900_000, `${bytes} bytes`)
    assert.ok(source.messages.length > 100, `${source.messages.length} left`)
    target.down = false
    await until(() => target.messages.length === 400, { what: 'all to arrive' })
    assert.deepEqual(bodies(target.messages).toSorted(), all.toSorted())
    await until(() => !route.status().disk?.isFull)
    assert.ok(events.some(e => e.type === 'disk_full' && e.reason === undefined))
  })

  it('settles nothing that would be in a file which somebody has removed, says so, and goes on when there is a folder', async t => {
    const { start, source, target, events, folder } = await bufferedRoute(t)
    target.down = true
    const route = await start()
    source.put(message('m1'))
    await until(() => route.status().disk?.records === 1)
    await rm(folder, { recursive: true })
    source.put(message('m2'))
    await until(() => events.some(e => e.type === 'disk_failed' && /was removed/.test(e.error.message)), {
      what: 'word of it',
    })
    assert.equal(events.filter(e => e.type === 'settled').length, 1)
    await mkdir(folder)
    await until(() => events.filter(e => e.type === 'settled').length === 2, { what: 'the second' })
    assert.equal((await readdir(folder)).filter(name => name.endsWith('.segment')).length, 1)
  })

  it('says which folders beside it hold messages of routes that are gone', async t => {
    const { start, source, target, name, folder } = await bufferedRoute(t)
    target.down = true
    const route = await start()
    source.put(message('m1'))
    await until(() => route.status().disk?.records === 1)
    await route.stop(AbortSignal.timeout(20))
    const { start: startOther, events } = await bufferedRoute(t, { folder: join(folder, '..') })
    await startOther()
    const notices = events.flatMap(e => (e.type === 'notice' ? [e.text] : []))
    assert.deepEqual(notices, [
      `the folder ${folder} holds messages on disk, and no route of this bridge is named ${name}: they are carried when there is one again`,
    ])
  })

  it('dead-letters from the disk what is refused, after a restart too', async t => {
    const { start, source, target, events, folder } = await bufferedRoute(t)
    target.failWith = m => (bodies([m])[0] === 'm2' ? new MessageRefused('it is the second') : undefined)
    const route = await start()
    for (const body of numbered(3)) source.put(message(body))
    await until(
      () => events.filter(e => e.type === 'settled').length === 3 && route.status().disk?.records === 0,
    )
    assert.deepEqual(bodies(target.messages), ['m1', 'm3'])
    assert.equal((await deadFiles(join(folder, '../dead'))).length, 1)
  })
})

describe('the lock of a disk buffer', () => {
  const child = (folder: string, then: string) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { takeLock } from ${JSON.stringify(join(import.meta.dirname, '../../../src/route/disk/lock.ts'))}
        try { takeLock(${JSON.stringify(folder)}); process.stdout.write('taken') } catch (e) { process.stdout.write(e.message) }
        ${then}`,
      ],
      { encoding: 'utf8' },
    )

  it('keeps a second process out, with a sentence that says what to do, until it is released', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
    const lock = takeLock(folder)
    const { stdout, stderr } = child(folder, '')
    assert.ok(
      stdout.startsWith(`the disk buffer ${folder} is in use by another process (process ${process.pid} on `),
      stdout + stderr,
    )
    assert.match(
      stdout,
      /each bridge needs a folder of its own \(buffer\.disk\.path\), and the one that has this folder must end first/,
    )
    assert.equal(stderr, '')
    assert.throws(() => takeLock(folder), /is in use by another process/)
    lock.release()
    assert.equal(child(folder, '').stdout, 'taken')
  })

  it('ends with its process, however that ends', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-lock-'))
    const { stdout, signal } = child(
      folder,
      'process.kill(process.pid, "SIGKILL"); await new Promise(r => setTimeout(r, 9_000))',
    )
    assert.equal(signal, 'SIGKILL')
    assert.ok(stdout === 'taken' || stdout === '')
    takeLock(folder).release()
  })
})
