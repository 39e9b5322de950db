import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { MessageRefused } from '../../../src/core/errors.ts'
import { decodeContent, encodeContent, kept } from '../../../src/route/disk/content.ts'
import { Ranges } from '../../../src/route/disk/ranges.ts'
import { anyMessage } from '../../support/any-message.ts'
import { message } from '../route-on-memory.ts'
import { ForgetfulFiles, survivals } from './forgetful-files.ts'
import { handedOut, recordOf, storeOn } from './on-disk.ts'

const lost = new AbortController().signal
const settle = async () => {}

describe('what the disk keeps of a delivery', () => {
  it('is all of the message, whatever it is, its names, its count, its receipt, and why it could not be read', () => {
    const about = fc.record(
      {
        name: fc.string(),
        deliveryCount: fc.nat(),
        fault: fc.string().map(text => new MessageRefused(text)),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(anyMessage, about, fc.string(), fc.nat(), (message, more, id, size) => {
        const given = kept({ message, size, lost, settle, ...more }, id, 1_700_000_000_000)
        const content = encodeContent(given)
        assert.deepEqual(decodeContent(content), given)
      }),
    )
  })

  it('counts as deliveries those of earlier runs, with what the broker had counted', async () => {
    const files = new ForgetfulFiles()
    const { store } = await storeOn(files)
    const delivery = { message: message('m'), size: 1, lost, settle }
    await store.writer.append(encodeContent(kept(delivery, 'a', 1)))
    await store.writer.append(encodeContent(kept({ ...delivery, deliveryCount: 3 }, 'b', 1)))
    const counts = async (of = store) => (await handedOut(of)).map(d => d.deliveryCount)
    assert.deepEqual(await counts(), [undefined, 3])
    await store.close()
    for (const [first, second] of [
      [1, 4],
      [2, 5],
    ]) {
      // Killed, each time, as soon as they were handed out.
      const { store: next } = await storeOn(files.after(files.changes.length, 1e9, survivals[3]!))
      await next.close()
      const { store: again } = await storeOn(files)
      assert.deepEqual(await counts(again), [first, second])
      await again.close()
    }
  })
})

describe('reading back', () => {
  it('hands out no more than was granted, in messages and in bytes, however much is there', async () => {
    const { store } = await storeOn(new ForgetfulFiles())
    await Promise.all(Array.from({ length: 500 }, () => store.writer.append(recordOf('x'.repeat(100)))))
    let handed = 0
    const source = store.read(() => handed++)
    const settled = async () => {
      for (let i = 0; i < 20; i++) await new Promise(setImmediate)
      return handed
    }
    source.grant(5, 10_000)
    assert.equal(await settled(), 5)
    // 500 bytes of the 10,000 are gone.
    source.grant(495, 0)
    assert.equal(await settled(), 100)
    source.grant(0, 1_000)
    assert.equal(await settled(), 110)
    await store.close()
  })
})

describe('ranges', () => {
  it('are a set', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(6))
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), all => {
        const ranges = new Ranges()
        const set = new Set<number>()
        for (const [from, length] of all) {
          ranges.add(from, from + length - 1)
          for (let n = from; n < from + length; n++) set.add(n)
        }
        assert.equal(ranges.count, set.size)
        assert.equal(ranges.highest, Math.max(0, ...set))
        for (let n = 1; n < 50; n++) {
          assert.equal(ranges.has(n), set.has(n))
          assert.equal(
            ranges.covers(n, n + 3),
            [n, n + 1, n + 2, n + 3].every(m => set.has(m)),
          )
          let missing = n
          while (set.has(missing)) missing++
          assert.equal(ranges.firstMissing(n), missing)
        }
        for (const [i, [from]] of ranges.all.entries()) if (i > 0) assert.ok(from > ranges.all[i - 1]![1] + 1)
      }),
    )
  })
})
