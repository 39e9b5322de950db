import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { keyBytes } from '../../../src/core/key-bytes.ts'
import { DiskKey } from '../../../src/route/disk/encryption.ts'
import { until } from '../../support/until.ts'
import { ForgetfulFiles, survivals } from './forgetful-files.ts'
import { bodyOf, handedOut, recordOf, storeOn } from './on-disk.ts'

const failing = (code: string) => Object.assign(new Error(`${code}: it went wrong`), { code })
const named = (files: ForgetfulFiles, end: string) =>
  [...files.contents.keys()].filter(n => n.endsWith(end)).sort()
const padded = (body: string) => recordOf(body.padEnd(10_000, '.'))

describe('a disk that fails', () => {
  it('is never asked twice to sync the same file: what was in doubt is written into a new segment', async () => {
    const files = new ForgetfulFiles()
    const { store, said } = await storeOn(files)
    await store.writer.append(recordOf('m1'))
    const [first] = named(files, '.segment') as [string]
    const synced: string[] = []
    let isBroken = true
    files.fault = (operation, name) => {
      // What is in doubt stays where it is.
      if (operation === 'truncate') throw failing('EIO')
      if (operation !== 'datasync' || !name.endsWith('.segment')) return
      synced.push(name)
      if (isBroken) {
        isBroken = false
        throw failing('EIO')
      }
    }
    await store.writer.append(recordOf('m2'))
    await store.writer.append(recordOf('m3'))
    const [, second, ...more] = named(files, '.segment')
    assert.deepEqual(synced, [first, second, second])
    assert.deepEqual(more, [])
    assert.match(said.failed[0]!.message, /EIO/)
    assert.deepEqual((await handedOut(store)).map(bodyOf), ['m1', 'm2', 'm3'])
    // Only what was synced counts, wherever it ends.
    for (const survives of survivals) {
      const { store: found, said } = await storeOn(files.after(files.changes.length, 1e9, survives))
      assert.deepEqual((await handedOut(found)).map(bodyOf), ['m1', 'm2', 'm3'])
      assert.deepEqual(said.damaged, [])
    }
    await store.close()
  })

  it('loses nothing whichever operation fails how often, and repeats nothing that it said to have done', async () => {
    const operations = ['create', 'write', 'datasync', 'syncFolder', 'truncate', 'remove'] as const
    const fault = fc.record({
      operation: fc.constantFrom(...operations),
      nth: fc.nat(12),
      code: fc.constantFrom('EIO', 'ENOSPC'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 2 }), async faults => {
        const files = new ForgetfulFiles()
        const { store } = await storeOn(files)
        const counts = new Map<string, number>()
        files.fault = operation => {
          const nth = counts.get(operation) ?? 0
          counts.set(operation, nth + 1)
          const found = faults.find(f => f.operation === operation && f.nth === nth)
          if (found) throw failing(found.code)
        }
        const out = await handedOut(store)
        for (let i = 1; i <= 6; i++) {
          await store.writer.append(padded(`m${i}`))
          if (i % 2 === 0)
            await (await until(() => out.find(d => bodyOf(d).startsWith(`m${i}.`))))!.settle('accepted')
        }
        const left = await storeOn(files.after(files.changes.length, 1e9, survivals[3]!))
        const bodies = (await handedOut(left.store)).map(d => bodyOf(d).replace(/\..*/, ''))
        assert.deepEqual(
          bodies.filter(b => ['m1', 'm3', 'm5'].includes(b)),
          ['m1', 'm3', 'm5'],
        )
        assert.deepEqual(left.said.damaged, [])
        await store.close()
      }),
      { numRuns: 25 },
    )
  })

  it('does not stop the route when acknowledgements cannot be written; it says so, and they last with the next', async () => {
    const files = new ForgetfulFiles()
    const { store, said } = await storeOn(files)
    for (let i = 1; i <= 3; i++) await store.writer.append(recordOf(`m${i}`))
    const out = await handedOut(store)
    await out[0]!.settle('accepted')
    files.fault = (_, name) => {
      if (name.endsWith('.acks')) throw failing('ENOSPC')
    }
    await out[1]!.settle('accepted')
    assert.match(
      said.failed[0]!.message,
      /writing acknowledgements into \/disk; after a crash these come twice/,
    )
    files.fault = () => {}
    await out[2]!.settle('accepted')
    const left = await storeOn(files.after(files.changes.length, 1e9, survivals[3]!))
    assert.deepEqual(await handedOut(left.store), [])
    await store.close()
  })
})

describe('a full disk', () => {
  it('takes no more at max_bytes, says so, and goes on when there is room', async () => {
    const files = new ForgetfulFiles()
    const { store, said } = await storeOn(files, { maxBytes: 200_000 })
    let kept = 0
    const all = Array.from({ length: 60 }, (_, i) => store.writer.append(padded(`m${i}`)).then(() => kept++))
    await until(() => store.status().isFull, { what: 'the disk to be full' })
    assert.ok(kept > 5 && kept < 10, `${kept} kept`)
    assert.ok(store.status().bytes <= 200_000)
    assert.match(said.full[0]!, /max_bytes \(200KB\) is reached/)
    const bodies: string[] = []
    const source = store.read(delivery => {
      bodies.push(bodyOf(delivery).replace(/\..*/, ''))
      assert.ok(store.status().bytes <= 200_000)
      void delivery.settle('accepted')
    })
    source.grant(1_000, 2 ** 30)
    await Promise.all(all)
    await until(() => bodies.length === 60)
    assert.deepEqual(
      bodies,
      Array.from({ length: 60 }, (_, i) => `m${i}`),
    )
    assert.equal(said.full.at(-1), undefined)
    assert.equal(store.status().isFull, false)
    await store.close()
    assert.deepEqual(named(files, '.segment'), [])
  })

  it('gives its room back though everything is in one segment and no new file can be made', async () => {
    const files = new ForgetfulFiles()
    const { store, said } = await storeOn(files, { maxBytes: 2 ** 30 })
    await store.writer.append(padded('m1'))
    const [first] = named(files, '.segment') as [string]
    // No room for anything, acknowledgements included, until what is here is gone.
    files.fault = operation => {
      if (['create', 'write'].includes(operation) && files.contents.has(first)) throw failing('ENOSPC')
    }
    const second = store.writer.append(padded('m2'))
    await until(() => store.status().isFull, { what: 'the disk to be full' })
    const out = await handedOut(store)
    await out[0]!.settle('accepted')
    await second
    await until(() => out.length === 2)
    assert.match(out[1] ? bodyOf(out[1]) : '', /^m2/)
    assert.equal(said.full.at(-1), undefined)
    await store.close()
  })

  it('takes a message that is larger than all the room when nothing else is there', async () => {
    const { store } = await storeOn(new ForgetfulFiles(), { maxBytes: 1_000 })
    await store.writer.append(padded('large'))
    const second = store.writer.append(padded('next'))
    await until(() => store.status().isFull)
    const out = await handedOut(store)
    await out[0]!.settle('accepted')
    await second
    await store.close()
  })
})

describe('the key of a disk buffer', () => {
  const key = new DiskKey(keyBytes('00'.repeat(32))!)
  const other = new DiskKey(keyBytes(Buffer.alloc(32, 5).toString('base64'))!)

  it('hides what is on the disk, and finds it again', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files, { key })
    await store.writer.append(recordOf('a secret of ours'))
    await store.writer.append(recordOf('a secret of ours'))
    await store.close()
    for (const bytes of files.contents.values())
      assert.ok(!bytes.includes('secret') && !bytes.includes('address'))
    const { store: again } = await storeOn(files, { key })
    assert.deepEqual((await handedOut(again)).map(bodyOf), ['a secret of ours', 'a secret of ours'])
  })

  it('is asked for, by its id, where another one or none is given; nothing is touched then', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files, { key })
    await store.writer.append(recordOf('m1'))
    await store.close()
    const before = files.contents
    const id = key.id.toString('hex')
    await assert.rejects(
      storeOn(files, { key: other }),
      new RegExp(
        `/disk was written with the key ${id}, and buffer\\.disk\\.key is the key ${other.id.toString('hex')}: start with the old key`,
      ),
    )
    await assert.rejects(
      storeOn(files),
      new RegExp(`the key ${id}, and buffer\\.disk\\.key is not set: set it`),
    )
    assert.deepEqual(files.contents, before)
  })

  it('may be given to a buffer that was written without one', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    await store.writer.append(recordOf('m1'))
    await store.close()
    const { store: again } = await storeOn(files, { key })
    await again.writer.append(recordOf('m2'))
    assert.deepEqual((await handedOut(again)).map(bodyOf), ['m1', 'm2'])
  })

  it('is 32 bytes in base64 or hexadecimal digits', () => {
    assert.equal(keyBytes(` ${'ab'.repeat(32)}\n`)?.length, 32)
    assert.equal(keyBytes(Buffer.alloc(32, 200).toString('base64'))?.length, 32)
    for (const wrong of [
      '',
      'ab'.repeat(31),
      Buffer.alloc(31).toString('base64'),
      Buffer.alloc(33).toString('base64'),
      'x'.repeat(64),
    ])
      assert.equal(keyBytes(wrong), undefined, wrong)
  })
})
