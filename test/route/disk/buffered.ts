import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { memory } from '../../../src/adapters/memory/index.ts'
import { memoryQueue } from '../../../src/adapters/memory/queue.ts'
import type { RouteEvent } from '../../../src/core/events.ts'
import { BufferedRoute } from '../../../src/route/disk/buffered-route.ts'
import type { RouteParts } from '../../../src/route/parts.ts'
import { usualParts } from '../route-on-memory.ts'

let names = 0

/** A route between two memory queues, the first of which gives no ids, with a disk buffer between; `start` starts it, and after a stop starts it anew. */
export async function bufferedRoute(
  t: TestContext,
  more: Partial<RouteParts> & { maxBytes?: number; fifo?: boolean; folder?: string } = {},
) {
  const { maxBytes = 2 ** 20, fifo = false, folder: given, ...parts } = more
  const name = `buffered-${++names}`
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'sluice-disk-')))
  const options = memory.source!.options.parse({ queue: `${name}-in`, prefetch: 100 })
  const at = { connection: {}, connectionName: 'memory', route: name, options }
  const events: RouteEvent[] = []
  const start = async () => {
    const route = new BufferedRoute(
      {
        ...usualParts(name, join(folder, 'dead'), fifo),
        source: {
          connectionName: 'memory',
          prefetch: 100,
          open: (deliver, c) => memory.source!.open(at, ({ id: _, ...delivery }) => deliver(delivery), c),
        },
        ...parts,
      },
      folder,
      maxBytes,
      undefined,
      event => events.push(event),
    )
    await route.open(new Set([name]))
    route.start()
    t.after(() => route.stop(AbortSignal.abort()))
    return route
  }
  return {
    start,
    events,
    name,
    folder: join(folder, name),
    source: memoryQueue(`${name}-in`),
    target: memoryQueue(`${name}-out`),
  }
}
