import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../../support/until.ts'
import { bodies, message } from '../route-on-memory.ts'
import { bufferedRoute } from './buffered.ts'

/** A file system of this size, or why there can be none here. */
async function smallDisk(
  t: TestContext,
  size: string,
): Promise<{ readonly path: string } | { readonly reason: string }> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-small-'))
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], {
    encoding: 'utf8',
  })
  if (status !== 0) return { reason: `no tmpfs can be mounted here: ${error?.message ?? stderr.trim()}` }
  t.after(async () => {
    spawnSync('umount', ['-l', path])
    await rm(path, { recursive: true })
  })
  return { path }
}

const freeOn = (path: string) => {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

const numbered = (count: number, first = 1) =>
  Array.from({ length: count }, (_, i) => `m${first + i}`.padEnd(4_000, '.'))

test('a disk buffer whose disk is full takes no more, says so, and goes on when there is room: of its own, or made by somebody', async t => {
  const disk = await smallDisk(t, '2m')
  if ('reason' in disk) return t.skip(disk.reason)
  const { start, source, target, events, name } = await bufferedRoute(t, {
    folder: disk.path,
    maxBytes: 2 ** 30,
    order: { ordering: 'strict', onRefused: 'continue' },
  })
  const said = () => events.filter(e => e.type === 'disk_full')
  target.down = true
  const route = await start()
  const all = numbered(700)
  for (const body of all) source.put(message(body))
  const first = await until(() => said()[0], { what: 'the disk to be full' })
  assert.match(first.reason!, /ENOSPC/)
  assert.ok(freeOn(disk.path) < 300_000)
  target.down = false
  await until(() => target.messages.length === 700, { what: 'all to arrive' })
  assert.deepEqual(bodies(target.messages), all)
  await until(() => said().at(-1)?.reason === undefined && route.status().disk?.records === 0)

  // Somebody else takes the room, and gives it back.
  const ballast = join(disk.path, 'ballast')
  const before = said().length
  await until(
    async () => {
      await appendFile(ballast, Buffer.alloc(freeOn(disk.path)))
      // What is done with is gone, but for the segment that is open.
      return (
        freeOn(disk.path) === 0 &&
        (await readdir(join(disk.path, name))).filter(f => f.endsWith('.segment')).length <= 1
      )
    },
    { what: 'no room' },
  )
  const more = numbered(50, 701)
  for (const body of more) source.put(message(body))
  await until(
    () =>
      said()
        .slice(before)
        .some(e => e.reason !== undefined),
    { what: 'the disk to be full again' },
  )
  await rm(ballast)
  await until(() => target.messages.length === 750, { what: 'the rest to arrive' })
  assert.deepEqual(bodies(target.messages), [...all, ...more])
})

test('a bridge starts though its disk has no byte left, and carries what is there', async t => {
  const disk = await smallDisk(t, '2m')
  if ('reason' in disk) return t.skip(disk.reason)
  const { start, source, target } = await bufferedRoute(t, { folder: disk.path, maxBytes: 2 ** 30 })
  target.down = true
  const first = await start()
  for (const body of numbered(20)) source.put(message(body))
  await until(() => first.status().disk?.records === 20, { what: 'all on the disk' })
  await first.stop(AbortSignal.timeout(20))
  await appendFile(join(disk.path, 'ballast'), Buffer.alloc(freeOn(disk.path)))
  assert.equal(freeOn(disk.path), 0)
  target.down = false
  const second = await start()
  await until(() => second.status().disk?.records === 0, { what: 'all to be carried' })
  assert.deepEqual(bodies(target.messages).toSorted(), numbered(20).toSorted())
})
