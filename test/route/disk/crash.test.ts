import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DiskKey } from '../../../src/route/disk/encryption.ts'
import { ForgetfulFiles, type Survives, survivals } from './forgetful-files.ts'
import { bodyOf, handedOut, recordOf, storeOn } from './on-disk.ts'

type Mark = {
  readonly type: 'kept' | 'acknowledging' | 'acknowledged'
  readonly body: string
  readonly at: number
}

/** A life of a store: what was done, and after which change of its files each thing was known. */
interface Life {
  readonly files: ForgetfulFiles
  readonly marks: readonly Mark[]
}

interface Step {
  /** Messages that are appended at once. */
  readonly append: number
  /** Places, among those that are out, of deliveries that are settled then. */
  readonly settle: readonly number[]
}

const maxBytes = 2 ** 20
const powerLoss: Survives = { names: false, contents: false }

async function live(
  steps: readonly Step[],
  {
    files = new ForgetfulFiles(),
    prefix = 'm',
    padding = 0,
    key,
  }: { files?: ForgetfulFiles; prefix?: string; padding?: number; key?: DiskKey } = {},
): Promise<Life> {
  const { store } = await storeOn(files, { maxBytes, ...(key && { key }) })
  const marks: Mark[] = []
  const mark = (type: Mark['type'], body: string) => marks.push({ type, body, at: files.changes.length })
  let count = 0
  const settled = new Set<string>()
  const out = await handedOut(store)
  for (const delivery of out) mark('kept', bodyOf(delivery))
  for (const { append, settle } of steps) {
    const names = Array.from({ length: append }, () => `${prefix}${++count}`.padEnd(padding, '.'))
    await Promise.all(names.map(body => store.writer.append(recordOf(body)).then(() => mark('kept', body))))
    while (out.length < store.status().records + settled.size) await new Promise(setImmediate)
    const open = out.filter(d => !settled.has(bodyOf(d)))
    const chosen = new Set(settle.map(i => open[i % Math.max(1, open.length)]).filter(d => d !== undefined))
    await Promise.all(
      Array.from(chosen, async delivery => {
        const body = bodyOf(delivery)
        settled.add(body)
        mark('acknowledging', body)
        await delivery.settle('accepted')
        mark('acknowledged', body)
      }),
    )
  }
  await store.close()
  return { files, marks }
}

const bodyNumber = (body: string): number => Number(body.replace(/\D/g, ''))

/** What must be found when everything ended there. */
async function check(
  life: Life,
  count: number,
  cut: number,
  survives: Survives,
  key?: DiskKey,
): Promise<ForgetfulFiles> {
  const found = life.files.after(count, cut, survives)
  const known = (type: Mark['type']) =>
    new Set(life.marks.filter(m => m.type === type && m.at <= count).map(m => m.body))
  const where = `after ${count} changes, ${cut} bytes of the last, ${JSON.stringify(survives)}`
  const { store, said } = await storeOn(found, { maxBytes, ...(key && { key }) })
  const bodies = (await handedOut(store)).map(bodyOf)
  assert.deepEqual(said.damaged, [], where)
  const there = new Set(bodies)
  const [kept, acknowledging, acknowledged] = [known('kept'), known('acknowledging'), known('acknowledged')]
  assert.deepEqual(
    [...kept].filter(body => !there.has(body) && !acknowledging.has(body)),
    [],
    `lost ${where}`,
  )
  assert.deepEqual(
    bodies.filter(body => acknowledged.has(body)),
    [],
    `acknowledged, and came again ${where}`,
  )
  assert.deepEqual(
    bodies,
    [...there].toSorted((a, b) => bodyNumber(a) - bodyNumber(b)),
    `out of order, or twice ${where}`,
  )
  // It goes on: what comes now is not taken for anything that was there, and what was found lasts from now on.
  await store.writer.append(recordOf('m9998'))
  await store.writer.append(recordOf('m9999'))
  const later = await storeOn(found.after(found.changes.length, 1e9, powerLoss), {
    maxBytes,
    ...(key && { key }),
  })
  assert.deepEqual(
    (await handedOut(later.store)).map(bodyOf),
    [...bodies, 'm9998', 'm9999'],
    `later ${where}`,
  )
  await later.store.close()
  await store.close()
  return found
}

/** Every length that the last change can have had, as far as it was a write. */
const cutsOf = (life: Life, count: number): readonly number[] => {
  const last = life.files.changes[count - 1]
  return last?.type === 'write' ? Array.from({ length: last.bytes.length + 1 }, (_, i) => i) : [0]
}

/** Every end that an end differs from: where contents are lost, it does not matter how much of the last write was there. */
function* endsOf(life: Life): Iterable<readonly [count: number, cut: number, survives: Survives]> {
  for (let count = 0; count <= life.files.changes.length; count++) {
    for (const survives of survivals) {
      for (const cut of survives.contents ? cutsOf(life, count) : [0]) yield [count, cut, survives]
    }
  }
}

const settle = (...places: number[]): Step => ({ append: 0, settle: places })
const append = (count: number): Step => ({ append: count, settle: [] })

describe('a disk buffer that ends at any moment', () => {
  const lives: Record<string, readonly Step[]> = {
    'that takes and acknowledges': [append(2), settle(0), append(1), settle(0, 1)],
    'that acknowledges out of turn': [append(3), settle(2), append(1), settle(0)],
  }
  for (const [title, steps] of Object.entries(lives)) {
    it(`${title}: loses nothing that was kept, repeats nothing that was acknowledged, at every byte`, async t => {
      const life = await live(steps)
      let checked = 0
      for (const end of endsOf(life)) {
        await check(life, ...end)
        checked++
      }
      t.diagnostic(`${checked} ends`)
    })
  }

  const step = fc.record({
    append: fc.nat(4),
    settle: fc.array(fc.nat(8), { maxLength: 4 }),
  })
  const end = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.double({ min: 0, max: 1, noNaN: true }),
    survives: fc.constantFrom(...survivals),
  })
  const placeOf = (life: Life, { at, cut }: { at: number; cut: number }) => {
    const count = Math.round(at * life.files.changes.length)
    const cuts = cutsOf(life, count)
    return [count, cuts[Math.floor(cut * (cuts.length - 1))]!] as const
  }

  it('goes on from any end to any other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 6 }),
        end,
        fc.array(step, { maxLength: 4 }),
        end,
        fc.boolean(),
        // The second makes a new segment every other message.
        fc.constantFrom(0, 20_000),
        async (first, firstEnd, second, secondEnd, isEncrypted, padding) => {
          const key = isEncrypted ? new DiskKey(Buffer.alloc(32, 7)) : undefined
          const life = await live(first, { padding, ...(key && { key }) })
          const [count, cut] = placeOf(life, firstEnd)
          const left = life.files.after(count, cut, firstEnd.survives)
          const next = await live(second, {
            files: left,
            prefix: 'm100',
            padding,
            ...(key && { key }),
          })
          await check(next, ...placeOf(next, secondEnd), secondEnd.survives, key)
        },
      ),
      { numRuns: 150 },
    )
  })
})
