import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import { sentence } from '../../../src/core/errors.ts'
import type { SinkPromises } from '../sink-conformance.ts'
import { arrived, ids, opened, proxied, readBack, type Scope, type SinkBench } from './bench.ts'
import { keep } from './keeping.ts'

const between = 150

/** Sends so many while the connection is cut now and then; none is missing. Returns first arrivals in their order. */
async function throughCuts(
  bench: SinkBench,
  t: Scope,
  count: number,
  { window, places = 1 }: { readonly window: number; readonly places?: number },
): Promise<string[]> {
  const names: string[] = []
  for (let i = 0; i < places; i++) names.push(await bench.broker.create())
  const proxy = await proxied(t, bench)
  const raw = places === 1 ? bench.broker.endpoint(names[0]!, proxy) : bench.broker.templated!(proxy)
  const target = bench.targets(raw)[0]!
  let cuts = 0
  const kept = await keep({
    target,
    messages: ids(count).map((id, i) => ({ id, name: names[i % places]! })),
    window,
    signal: AbortSignal.timeout(50_000),
    confirmed(so) {
      if (so < count && so >= (cuts + 1) * between) {
        cuts++
        proxy.cut()
      }
    },
  })
  assert.equal(kept.refused.size, 0, `refused: ${[...kept.refused.values()].map(sentence)[0]}`)
  assert.ok(cuts >= count / between - 2, `cut ${cuts} times`)
  const came: string[] = []
  for (const name of names) came.push(...(await readBack(t, bench, name)))
  const first = [...new Set(came)]
  t.diagnostic(
    `${cuts} cuts, ${kept.links} links, ${kept.again} sent again, ${came.length - first.length} repeats`,
  )
  return first
}

/** The messages of one bad place among those of good ones. */
async function amongOthers(bench: SinkBench, t: Scope, bad: string): Promise<void> {
  const { broker } = bench
  const good = [await broker.create(), await broker.create()]
  const messages = ids(60).map((id, i) => ({ id, name: good[i % 2]! }))
  messages.splice(30, 0, { id: 'guilty', name: bad })
  const [target] = bench.targets(broker.templated!())
  const kept = await keep({
    target: target!,
    messages,
    window: 100,
    signal: AbortSignal.timeout(20_000),
    links: 5,
  })
  assert.deepEqual([...kept.refused.keys()], ['guilty'])
  const said = sentence(kept.refused.get('guilty'))
  assert.ok(said.includes(bad), `names the place ${bad}: ${said}`)
  t.diagnostic(`${kept.links} links, ${kept.again} sent again: ${said}`)
  for (const name of good) {
    const came = await readBack(t, bench, name)
    const expected = messages.filter(m => m.name === name).map(m => m.id)
    arrived(bench, [...new Set(came)], expected)
  }
}

/** What takes more than one link. */
export const long = {
  async guilty(bench, t) {
    await amongOthers(bench, t, bench.broker.missing!)
  },

  async apart(bench, t) {
    const name = await bench.broker.create()
    const { broker } = bench
    const [chosen, fixed] = bench.targets(broker.templated!(), broker.endpoint(name))
    const guilty = (await chosen!.open()).closeAfter(t)
    const beside = (await fixed!.open()).closeAfter(t)
    await assert.rejects(within(10_000, 'a send', guilty.send(broker.missing!, 'guilty')))
    const sends = beside.sendAll(name, ids(20))
    await within(10_000, 'sending beside it', Promise.all(sends))
    await beside.sink.close()
    assert.equal(await beside.sink.closed, undefined)
    arrived(bench, await readBack(t, bench, name), ids(20))
  },

  async gone(bench, t) {
    const name = await bench.broker.create()
    const raw = bench.broker.templated!()
    const before = await opened(t, bench, raw)
    await before.send(name, 'while it was there')
    await bench.broker.remove!(name)
    await amongOthers(bench, t, name)
  },

  async cuts(bench, t) {
    const first = await throughCuts(bench, t, 2_000, { window: 100 })
    assert.deepEqual(first.sort(), ids(2_000).sort())
  },

  async cutsSpread(bench, t) {
    const first = await throughCuts(bench, t, 1_000, { window: 100, places: 20 })
    assert.deepEqual(first.sort(), ids(1_000).sort())
  },

  async cutsInTurn(bench, t) {
    arrived(bench, await throughCuts(bench, t, 600, { window: 1 }), ids(600))
  },
} satisfies Partial<SinkPromises>
