import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Prepared, Sink, Source } from '../../src/core/adapter.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'
import { Pressure } from '../../src/route/pressure.ts'
import { Route } from '../../src/route/route.ts'
import { until } from '../support/until.ts'
import { folderPlace } from './route-on-memory.ts'

/**
 * Run with little heap by pressure.test.ts: four routes, each with room for 64 MiB, whose broker has 250 messages of 900 KiB for
 * each. Their target goes down after the first 100 and comes back. Prints what arrived and how much memory it took.
 */
const [routes, count, size] = [4, 250, 900 * 1024]
let isDown = false
let mostRss = 0
let mostHeld = 0
const arrived = Array.from({ length: routes }, () => new Set<number>())
setInterval(() => {
  mostRss = Math.max(mostRss, process.memoryUsage.rss())
  mostHeld = Math.max(
    mostHeld,
    all.reduce((sum, r) => sum + r.status().source.bytes, 0),
  )
}, 20).unref()

/** The messages of a broker, which are made when they are granted. */
function broker(route: number) {
  let next = 0
  return (deliver: Parameters<ConstructorParameters<typeof Route>[0]['source']['open']>[0]): Source => {
    const closed = Promise.withResolvers<undefined>()
    const give = () => {
      const text = Buffer.alloc(size, (next % 26) + 97).toString('latin1')
      const properties = { priority: 4 }
      const headers = { n: { type: 'int32', value: next++ } } as const
      deliver({
        message: { address: 'in', body: { kind: 'text', text }, properties, headers },
        id: `${route}-${next}`,
        size,
        lost: new AbortController().signal,
        settle: async () => {},
      })
    }
    let granted = 0
    const trickle = setInterval(() => {
      for (let i = 0; i < 1 && granted > 0 && next < count; i++, granted--) give()
    }, 10)
    return {
      grant: messages => {
        granted += messages
      },
      stop: async () => clearInterval(trickle),
      close: async () => closed.resolve(undefined),
      closed: closed.promise,
    }
  }
}

interface Numbered extends Prepared {
  readonly n: number
}

const target = (route: number) => ({
  open: async (): Promise<Sink> =>
    ({
      limits: { maxMessageSize: 2 ** 20 },
      closed: new Promise(() => {}),
      close: async () => {},
      check: async () => {},
      send: async ({ n }: Numbered) => {
        if (isDown) throw new SinkUnavailable('down')
        arrived[route]!.add(n)
        return {}
      },
    }) as unknown as Sink,
  prepare: (_: unknown, m: { headers: Record<string, { value: unknown }> }) =>
    ({ size, n: m.headers.n!.value }) as Prepared,
})

const pressure = new Pressure(() => {})
const all = Array.from({ length: routes }, (_, i) => {
  const open = broker(i)
  return new Route(
    {
      name: `r${i}`,
      source: { connectionName: 'c', prefetch: 200, open: async deliver => open(deliver) },
      mapping: m => m,
      buffer: { maxMessages: 1000, maxBytes: 64 * 2 ** 20, pressure },
      targets: new Map([['main', target(i) as never]]),
      deadLetters: [folderPlace(mkdtempSync(join(tmpdir(), 'sluice-dead-')))],
      retry: { initial: 10, max: 50, maxAttempts: 3 },
      breaker: { failureRate: 0.5, minimumCalls: 5, window: 1_000, openFor: 100 },
      order: { ordering: 'none', onRefused: 'continue' },
      expired: 'drop',
      trail: { bridge: 'test', maxHops: 16, loop: 'dead_letter' },
    },
    () => {},
  )
})
pressure.start()
for (const route of all) route.start()
await until(() => arrived.every(a => a.size >= 100), { what: 'a start', timeout: 30_000 })
isDown = true
let held = -1
await until(
  () => {
    const now = mostHeld
    const isStill = now === held
    held = now
    return isStill
  },
  { what: 'all to be held that may be', timeout: 30_000, every: 1_000 },
)
isDown = false
await until(() => arrived.every(a => a.size === count), { what: 'all', timeout: 60_000 })
console.log(JSON.stringify({ mostRss, mostHeld, arrived: arrived.map(a => a.size) }))
process.exit(0)
