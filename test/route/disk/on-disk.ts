import assert from 'node:assert/strict'
import { setImmediate as turn } from 'node:timers/promises'
import type { Delivery } from '../../../src/core/delivery.ts'
import { encodeContent } from '../../../src/route/disk/content.ts'
import type { DiskKey } from '../../../src/route/disk/encryption.ts'
import type { FileSystem } from '../../../src/route/disk/file-system.ts'
import { Store, type StoreReport } from '../../../src/route/disk/store.ts'
import { bodies, message } from '../route-on-memory.ts'

export interface Said {
  readonly full: (string | undefined)[]
  readonly failed: Error[]
  readonly damaged: { copies: string; records: number; about: string }[]
}

/** A store without a lock, and all that it says. */
export async function storeOn(files: FileSystem, more: { key?: DiskKey; maxBytes?: number } = {}) {
  const said: Said = { full: [], failed: [], damaged: [] }
  const report: StoreReport = {
    synced: () => {},
    full: reason => said.full.push(reason),
    failed: error => said.failed.push(error),
    damaged: (copies, records, about) => said.damaged.push({ copies, records, about }),
  }
  const { key, maxBytes = 2 ** 20 } = more
  const lock = { release: () => {} }
  const store = await Store.open({ folder: '/disk', maxBytes, key }, files, () => lock, report)
  return { store, said }
}

export const recordOf = (body: string): Buffer =>
  encodeContent({ message: message(body), id: `id of ${body}`, size: body.length, receivedAt: 1 })

export const bodyOf = ({ message }: Delivery): string => bodies([message])[0]!

/** All that a store has to hand out, in order, once it has handed out that. */
export async function handedOut(store: Store): Promise<Delivery[]> {
  const handed: Delivery[] = []
  const source = store.read(delivery => handed.push(delivery))
  source.grant(1_000_000, 2 ** 40)
  for (let turns = 0; handed.length < store.status().records; turns++) {
    assert.ok(turns < 10_000, `${handed.length} of ${store.status().records} were handed out`)
    await turn()
  }
  return handed
}
