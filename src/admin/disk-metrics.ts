import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { BridgeStatus } from '../bridge.ts'
import type { RouteEvent } from '../core/events.ts'

type Disk = NonNullable<
  BridgeStatus extends ReadonlyMap<string, infer S extends { disk?: unknown }> ? S['disk'] : never
>

/** The metrics of the routes that have a disk buffer; returns how they are counted. */
export function diskMetrics(registry: Registry, status: () => BridgeStatus) {
  const registers = [registry]
  const gauge = (name: string, help: string, value: (disk: Disk) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['route'],
      registers,
      collect() {
        for (const [route, { disk }] of status()) if (disk) this.set({ route }, value(disk))
      },
    })
  gauge('sluice_disk_records', 'Messages in the disk buffer that are not settled', disk => disk.records)
  gauge('sluice_disk_bytes', 'Bytes of the disk buffer on the disk', disk => disk.bytes)
  gauge(
    'sluice_disk_oldest_seconds',
    'Age of the oldest message in the disk buffer',
    disk => disk.oldestSeconds,
  )
  gauge('sluice_disk_full', '1 while the disk buffer has no room and takes nothing', disk =>
    disk.isFull ? 1 : 0,
  )
  const counter = (name: string, help: string) =>
    new Counter({ name, help, labelNames: ['route'], registers })
  const stored = counter('sluice_disk_records_stored_total', 'Messages synced to the disk buffer')
  const damaged = counter(
    'sluice_disk_records_damaged_total',
    'Messages in the disk buffer that were damaged and set aside',
  )
  const failed = counter('sluice_disk_failures_total', 'Times the disk buffer could not be written or read')
  const seconds = new Histogram({
    name: 'sluice_disk_sync_seconds',
    help: 'Time of writing and syncing one commit of the disk buffer',
    labelNames: ['route'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  })
  type Of<T extends RouteEvent['type']> = Extract<RouteEvent, { type: T }>
  return {
    disk_synced: ({ route, records, seconds: took }: Of<'disk_synced'>) => {
      stored.inc({ route }, records)
      seconds.observe({ route }, took)
    },
    disk_damaged: ({ route, records }: Of<'disk_damaged'>) => damaged.inc({ route }, records),
    disk_failed: ({ route }: Of<'disk_failed'>) => failed.inc({ route }),
  }
}
