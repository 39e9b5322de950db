import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import type { Message } from '../src/core/message.ts'
import { text } from '../src/core/value.ts'
import { encodeContent } from '../src/route/disk/content.ts'
import { DiskKey } from '../src/route/disk/encryption.ts'
import { takeLock } from '../src/route/disk/lock.ts'
import { realFiles } from '../src/route/disk/real-files.ts'
import { Store } from '../src/route/disk/store.ts'
import { until } from '../test/support/until.ts'

export interface DiskRun {
  readonly title: string
  readonly count: number
  /** Messages a second; absent: as many as go. */
  readonly rate?: number
  /** Are they read back and acknowledged at the same time? */
  readonly carried: boolean
  readonly encrypted: boolean
}

export const diskRuns: readonly DiskRun[] = [
  { title: 'as fast as it goes', count: 200_000, carried: false, encrypted: false },
  { title: '20,000/s', rate: 20_000, count: 200_000, carried: false, encrypted: false },
  {
    title: '20,000/s, read back and acknowledged',
    rate: 20_000,
    count: 200_000,
    carried: true,
    encrypted: false,
  },
  { title: 'as fast as it goes, encrypted', count: 100_000, carried: false, encrypted: true },
  {
    title: '10,000/s, encrypted, read back and acknowledged',
    rate: 10_000,
    count: 100_000,
    carried: true,
    encrypted: true,
  },
]

/** As many on their way to the disk as a route has with its usual buffer. */
const window = 1_000

/** Messages of 1 KiB into a disk buffer: how many, how long each takes to last, and how long nothing else could be done meanwhile. */
export async function intoDisk({ title, count, rate, carried, encrypted }: DiskRun) {
  const folder = await mkdtemp(join(process.env.SLUICE_BENCH_DISK ?? tmpdir(), 'sluice-bench-disk-'))
  const key = encrypted ? new DiskKey(randomBytes(32)) : undefined
  let commits = 0
  const store = await Store.open({ folder, maxBytes: 8 * 2 ** 30, key }, realFiles, takeLock, {
    synced: () => commits++,
    full: () => {},
    failed: error => {
      throw error
    },
    damaged: () => {},
  })
  let left = carried ? count : 0
  if (carried) {
    const source = store.read(delivery => {
      void delivery.settle('accepted').then(() => {
        left--
        source.grant(1, delivery.size)
      })
    })
    source.grant(window, window * 2_048)
  }
  const loop = monitorEventLoopDelay({ resolution: 1 })
  const took: number[] = []
  const cpu = process.cpuUsage()
  loop.enable()
  // On a machine that others use as well, a delay is not all ours: this is what the thread itself worked between two looks.
  let [worked, longest] = [threadCpu(), 0]
  const looking = setInterval(() => {
    const now = threadCpu()
    longest = Math.max(longest, now - worked)
    worked = now
  }, 1)
  const began = performance.now()
  let out = 0
  for (let i = 0; i < count; ) {
    const due =
      rate === undefined ? count : Math.min(count, Math.floor(((performance.now() - began) / 1000) * rate))
    // A source's window, or the clock; a socket hands over some tens of messages a turn.
    for (let turn = 0; turn < 64 && i < due && (rate !== undefined || out < window); turn++, i++) {
      out++
      const at = performance.now()
      void store.writer.append(encodeContent(delivery(i))).then(() => {
        out--
        took.push(performance.now() - at)
      })
    }
    await (i < due && (rate !== undefined || out < window) ? new Promise(setImmediate) : wait(1))
  }
  await until(() => took.length === count && left === 0, { what: 'all to last', timeout: 120_000 })
  const seconds = (performance.now() - began) / 1000
  loop.disable()
  clearInterval(looking)
  const { user, system } = process.cpuUsage(cpu)
  await store.close()
  await rm(folder, { recursive: true })
  took.sort((a, b) => a - b)
  const at = (share: number) => Math.round(took[Math.floor(count * share)]! * 10) / 10
  return {
    run: `disk buffer, 1 KiB: ${title}`,
    'messages/s': Math.round(count / seconds),
    'p50 ms': at(0.5),
    'p99 ms': at(0.99),
    'messages a sync': Math.round(count / commits),
    'CPU us/message': Math.round((user + system) / count),
    'event loop late by at most ms': Math.round(loop.max / 1e6),
    'of its own work at most ms': Math.round(longest / 1e3),
  }
}

/** Microseconds. */
function threadCpu(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

const body = { kind: 'bytes', bytes: new Uint8Array(randomBytes(1_024)) } as const

function delivery(i: number) {
  const message: Message = {
    address: 'plant/7/line/3/temperature',
    body,
    properties: { messageId: text(`ID:bench-${i}`), durable: true, contentType: 'application/octet-stream' },
    headers: { tenant: text('north'), line: { type: 'int32', value: i % 12 } },
  }
  return { message, id: `ID:bench-${i}`, size: 1_200, receivedAt: Date.now() }
}
