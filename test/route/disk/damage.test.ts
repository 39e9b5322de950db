import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DiskKey } from '../../../src/route/disk/encryption.ts'
import { ForgetfulFiles } from './forgetful-files.ts'
import { bodyOf, handedOut, recordOf, storeOn } from './on-disk.ts'

/** The files of a store that took so many messages, in several segments where they are large, and was closed. */
async function written(count: number, { key, padding = 0 }: { key?: DiskKey; padding?: number } = {}) {
  const files = new ForgetfulFiles()
  const { store } = await storeOn(files, key && { key })
  for (let i = 1; i <= count; i++) await store.writer.append(recordOf(`m${i}`.padEnd(padding, '.')))
  await store.close()
  return files.contents
}

const segmentsOf = (files: ReadonlyMap<string, Buffer>) =>
  [...files].filter(([name]) => name.endsWith('.segment')).sort()

/** The files with one changed. */
const changed = (files: ReadonlyMap<string, Buffer>, name: string, change: (bytes: Buffer) => Buffer) =>
  ForgetfulFiles.holding(
    new Map(Array.from(files, ([n, bytes]) => [n, n === name ? change(Buffer.from(bytes)) : bytes])),
  )

const numbersOf = (bodies: readonly string[]) => bodies.map(body => Number(/\d+/.exec(body)![0]))

describe('a damaged disk buffer', () => {
  it('sets aside a record with a flipped bit, in whichever byte, says so, and carries the rest in order', async () => {
    const files = await written(4)
    const [[name, bytes]] = segmentsOf(files) as [[string, Buffer]]
    for (let byte = 64; byte < bytes.length; byte++) {
      const bit = byte * 8 + (byte % 8)
      const disk = changed(files, name, copy => {
        copy[bit >> 3]! ^= 1 << (bit & 7)
        return copy
      })
      const { store, said } = await storeOn(disk)
      const found = numbersOf((await handedOut(store)).map(bodyOf))
      const missing = [1, 2, 3, 4].filter(n => !found.includes(n))
      assert.deepEqual(
        found,
        [1, 2, 3, 4].filter(n => !missing.includes(n)),
      )
      assert.equal(missing.length, 1, `bit ${bit}: ${missing}`)
      const [damage, ...others] = said.damaged
      assert.ok(damage && others.length === 0, `bit ${bit}: ${JSON.stringify(said)}`)
      assert.equal(damage.records, 1)
      const copy = disk.contents.get(damage.copies)!
      assert.ok(copy.length > 28, `bit ${bit}`)
      await store.close()
      // It is told once.
      const again = await storeOn(disk)
      assert.deepEqual(numbersOf((await handedOut(again.store)).map(bodyOf)), found)
      assert.deepEqual(again.said.damaged, [])
      await again.store.close()
    }
  })

  it('carries everything when only a header is damaged', async () => {
    const files = await written(3)
    const [[name]] = segmentsOf(files) as [[string, Buffer]]
    for (let byte = 0; byte < 64; byte++) {
      const { store, said } = await storeOn(
        changed(files, name, copy => copy.fill(copy[byte]! ^ 0xff, byte, byte + 1)),
      )
      assert.deepEqual(numbersOf((await handedOut(store)).map(bodyOf)), [1, 2, 3])
      assert.deepEqual(said.damaged, [])
      await store.close()
    }
  })

  it('finds the next record behind any rubbish, in a segment that others follow, encrypted or not', async () => {
    for (const key of [undefined, new DiskKey(Buffer.alloc(32, 1))]) {
      const files = await written(12, { padding: 20_000, ...(key && { key }) })
      const segments = segmentsOf(files)
      assert.ok(segments.length > 2)
      const [name, bytes] = segments[1]!
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 64, max: bytes.length }),
          fc.integer({ min: 64, max: bytes.length }),
          fc.nat(255),
          async (a, b, fill) => {
            const disk = changed(files, name, copy => copy.fill(fill, Math.min(a, b), Math.max(a, b)))
            const { store, said } = await storeOn(disk, key && { key })
            const found = numbersOf((await handedOut(store)).map(bodyOf))
            const all = Array.from({ length: 12 }, (_, i) => i + 1)
            const missing = all.filter(n => !found.includes(n))
            assert.deepEqual(
              found,
              all.filter(n => !missing.includes(n)),
            )
            assert.equal(
              said.damaged.reduce((sum, { records }) => sum + records, 0),
              missing.length,
            )
            await store.close()
          },
        ),
        { numRuns: 60 },
      )
    }
  })

  it('says what is missing at the end of a segment that was cut off after it was synced', async () => {
    const files = await written(12, { padding: 20_000 })
    const [, [name]] = segmentsOf(files) as [[string, Buffer], [string, Buffer]]
    const { store, said } = await storeOn(
      changed(files, name, copy => copy.subarray(0, copy.length - 30_000)),
    )
    const found = (await handedOut(store)).length
    assert.equal(said.damaged.length, 1)
    assert.equal(said.damaged[0]!.records + found, 12)
    await store.close()
  })

  it('says what is missing at the end of a segment behind which another is done with and gone', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    for (let i = 1; i <= 6; i++) await store.writer.append(recordOf(`m${i}`.padEnd(20_000, '.')))
    const [[first], [second]] = segmentsOf(files.contents) as [[string, Buffer], [string, Buffer]]
    const out = await handedOut(store)
    for (const delivery of out.slice(2, 4)) await delivery.settle('accepted')
    await store.close()
    const names = segmentsOf(files.contents).map(([name]) => name)
    assert.ok(names.includes(first) && !names.includes(second))
    const disk = changed(files.contents, first, copy => copy.fill(0xff, copy.length - 100, copy.length - 50))
    const { store: again, said } = await storeOn(disk)
    assert.deepEqual(numbersOf((await handedOut(again)).map(bodyOf)), [1, 5, 6])
    assert.deepEqual(
      said.damaged.map(({ records }) => records),
      [1],
    )
    assert.ok(disk.contents.has(said.damaged[0]!.copies))
    await again.close()
  })

  it('counts nothing that is not there: what was handed out and lies in a damaged end is not waited for', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    for (let i = 1; i <= 3; i++) await store.writer.append(recordOf(`m${i}`))
    await (await handedOut(store))[0]!.settle('accepted')
    await store.close()
    const [[name]] = segmentsOf(files.contents) as [[string, Buffer]]
    const disk = changed(files.contents, name, copy => copy.fill(0xff, copy.length - 5))
    const { store: again } = await storeOn(disk)
    assert.equal(again.status().records, 1)
    await (await handedOut(again))[0]!.settle('accepted')
    assert.equal(again.status().records, 0)
    await again.close()
  })

  it('sets aside all of a damaged end, though its last record was done with', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    for (let i = 1; i <= 3; i++) await store.writer.append(recordOf(`m${i}`.padEnd(200, '.')))
    await (await handedOut(store))[2]!.settle('accepted')
    await store.close()
    const [[name, bytes]] = segmentsOf(files.contents) as [[string, Buffer]]
    // The contents of the second and of the third.
    const size = (bytes.length - 64) / 3
    const disk = changed(files.contents, name, copy =>
      copy.fill(0xff, 64 + size + 100, 64 + size + 110).fill(0xff, copy.length - 10),
    )
    const { store: again, said } = await storeOn(disk)
    assert.deepEqual(numbersOf((await handedOut(again)).map(bodyOf)), [1])
    assert.equal(said.damaged.length, 1)
    assert.ok(disk.contents.get(said.damaged[0]!.copies)!.length >= size)
    await again.close()
  })

  it('takes acknowledgements that were damaged for none: their records come again', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    for (let i = 1; i <= 3; i++) await store.writer.append(recordOf(`m${i}`))
    const [first, second] = await handedOut(store)
    await first!.settle('accepted')
    await second!.settle('accepted')
    await store.close()
    const [name] = [...files.contents.keys()].filter(n => n.endsWith('.acks')) as [string]
    const bytes = files.contents.get(name)!
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const disk = changed(files.contents, name, copy => {
        copy[bit >> 3]! ^= 1 << (bit & 7)
        return copy
      })
      const { store: again, said } = await storeOn(disk)
      const found = (await handedOut(again)).map(bodyOf)
      assert.ok(found.includes('m3'), `bit ${bit}`)
      assert.deepEqual(said.damaged, [])
      await again.writer.append(recordOf('m4'))
      await again.close()
    }
  })

  it('does not take a message for a record, though it holds a whole segment, not even when it looks for the next one', async () => {
    const [[, inner]] = segmentsOf(await written(2)) as [[string, Buffer]]
    const disk = new ForgetfulFiles()
    const { store } = await storeOn(disk)
    const body = inner.toString('latin1')
    await store.writer.append(recordOf(body))
    await store.writer.append(recordOf('m3'))
    assert.deepEqual((await handedOut(store)).map(bodyOf), [body, 'm3'])
    await store.close()
    const [[name]] = segmentsOf(disk.contents) as [[string, Buffer]]
    const again = await storeOn(changed(disk.contents, name, copy => copy.fill(0, 64, 70)))
    assert.deepEqual((await handedOut(again.store)).map(bodyOf), ['m3'])
    assert.deepEqual(
      again.said.damaged.map(d => d.records),
      [1],
    )
  })
})
