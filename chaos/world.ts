import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type OwnBroker, startOwnBroker, withBroker } from '../test/support/brokers.ts'
import { startAws, type TestAws } from '../test/support/fauxqs.ts'
import { startProxy, type TcpProxy } from '../test/support/proxy.ts'
import { Bridge } from './bridge.ts'
import { type Disk, mountDisk } from './disk.ts'
import type { Collector, End } from './ends/end.ts'
import { brokerOf, type EndName, openEnd } from './ends/index.ts'

export interface Side {
  readonly end: End
  /** Between Sluice and the end. */
  readonly proxy: TcpProxy
  /** Milliseconds that the proxy always takes, either way. */
  readonly distance: number
  readonly own: OwnBroker | undefined
  /** Ends the broker in its orderly way, the harness's own clients first; gives what starts all of them again. */
  restart(): Promise<() => Promise<void>>
}

/** All that a scenario runs on. */
export interface World {
  readonly aws: TestAws
  readonly source: Side
  readonly target: Side
  readonly bridge: Bridge
  /** That of the disk buffer, where the route has one. */
  readonly disk: Disk | undefined
  /** How many dead letters there are. */
  deadLetters(): Promise<number>
  close(): Promise<void>
}

export interface Setting {
  readonly name: string
  readonly from: EndName
  readonly to: EndName
  readonly isOrdered: boolean
  /** The route keeps messages on a disk of its own. */
  readonly hasDisk: boolean
  /** Sides that need a broker of their own. */
  readonly own: readonly ('source' | 'target')[]
}

/**
 * Milliseconds to the target, either way. A target that answers at once has nothing in flight when the bridge is killed, and
 * a bridge that settles early would lose nothing.
 */
export const distance = 30

/** Milliseconds that a fault of the network takes to be noticed follow from these; they are printed with the results. */
export const patience = {
  heartbeat: '3s',
  connect_timeout: '5s',
  send_timeout: '10s',
  call_timeout: '10s',
  retry: { initial: '100ms', max: '2s' },
  breaker: { minimum_calls: 5, open_for: '2s' },
} as const

export async function openWorld(setting: Setting, arrive: (body: string) => void): Promise<World> {
  const ends: (() => unknown)[] = []
  const close = async () => {
    const failed: unknown[] = []
    for (const end of ends.splice(0).reverse()) {
      try {
        await end()
      } catch (error) {
        failed.push(error)
      }
    }
    if (failed.length > 0) throw new AggregateError(failed, 'not all of the scenario could be closed')
  }
  try {
    return await opened(setting, arrive, ends, close)
  } catch (error) {
    await close()
    throw error
  }
}

async function opened(
  setting: Setting,
  arrive: (body: string) => void,
  ends: (() => unknown)[],
  close: () => Promise<void>,
): Promise<World> {
  const aws = await startAws()
  ends.push(() => aws.stop())
  const place = `chaos-${setting.name}-${process.pid}-${Date.now()}`
  const collect: Collector[] = []
  const side = async (which: 'source' | 'target', name: EndName): Promise<Side> => {
    const broker = brokerOf(name)
    const own = broker && setting.own.includes(which) ? await startOwnBroker(broker) : undefined
    if (own) ends.push(() => own[Symbol.asyncDispose]())
    const end = openEnd(name, aws, own?.broker ?? (broker && (await withBroker(broker))))
    ends.push(() => end.close())
    const proxy = await startProxy(end.address)
    ends.push(() => proxy.close())
    const there = which === 'target' ? distance : 0
    proxy.delay(there)
    const restart = async () => {
      const collector = which === 'target' ? collect : []
      for (const one of collector) await one.stop()
      await own!.stop()
      return async () => {
        await own!.start()
        for (const one of collector) await one.start()
      }
    }
    return { end, proxy, distance: there, own, restart }
  }
  const source = await side('source', setting.from)
  const target = await side('target', setting.to)
  await source.end.make(`${place}-in`)
  await target.end.make(`${place}-out`)
  const collector = target.end.collector(`${place}-out`, arrive)
  await collector.start()
  collect.push(collector)
  ends.push(() => collector.stop())
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chaos-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const dead = join(folder, 'dead')
  const disk = setting.hasDisk ? await mountDisk(join(folder, 'disk')) : undefined
  if (disk) ends.push(() => disk[Symbol.asyncDispose]())
  const context: Pick<TestContext, 'after'> = { after: end => void ends.push(end as () => unknown) }
  const bridge = new Bridge(context, configOf(setting, source, target, place, dead, disk), folder)
  return {
    aws,
    source: { ...source, end: placed(source.end, `${place}-in`) },
    target,
    bridge,
    disk,
    deadLetters: async () => (await readdir(dead).catch(() => [])).filter(f => !f.startsWith('.')).length,
    close,
  }
}

/** Sends to this place whatever place it is told. */
const placed = (end: End, place: string): End => ({ ...end, send: (_, batch) => end.send(place, batch) })

function configOf(
  setting: Setting,
  source: Side,
  target: Side,
  place: string,
  dead: string,
  disk: Disk | undefined,
): object {
  const { heartbeat, connect_timeout, send_timeout, call_timeout, retry, breaker } = patience
  const connection = (side: Side, name: EndName) => ({
    ...side.end.connection(side.proxy),
    ...(brokerOf(name) && { heartbeat, connect_timeout }),
  })
  const isGrouped = setting.isOrdered && setting.from !== 'sqs-fifo'
  return {
    defaults: { retry, breaker, dead_letter: [{ folder: dead }] },
    connections: {
      from: connection(source, setting.from),
      to: connection(target, setting.to),
    },
    routes: {
      chaos: {
        from: {
          connection: 'from',
          ...source.end.from(`${place}-in`, setting.isOrdered),
          ...(!brokerOf(setting.from) && { call_timeout }),
        },
        ...(isGrouped && { mapping: [{ set: { group_id: '${headers.group}' } }] }),
        ...(disk && { buffer: { disk: { path: disk.path, max_bytes: '64MiB' } } }),
        ordering: setting.isOrdered ? 'by_group' : 'none',
        targets: { main: { connection: 'to', ...target.end.to(`${place}-out`), send_timeout } },
      },
    },
  }
}
