import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { folder } from '../../src/adapters/folder/index.ts'
import { memory } from '../../src/adapters/memory/index.ts'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import type { Deliver } from '../../src/core/adapter.ts'
import type { RouteEvent } from '../../src/core/events.ts'
import type { Message } from '../../src/core/message.ts'
import type { DeadLetterPlace } from '../../src/route/dead-letter/dead-letters.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import type { RouteParts } from '../../src/route/parts.ts'
import { Route } from '../../src/route/route.ts'
import type { TargetSink } from '../../src/route/target.ts'

const connection = {}
let names = 0

export const message = (body: string, more: Partial<Message> = {}): Message => ({
  address: 'in',
  body: { kind: 'text', text: body },
  properties: {},
  headers: {},
  ...more,
})

export const bodies = (messages: readonly Message[]): string[] =>
  messages.map(m => (m.body.kind === 'text' ? m.body.text : m.body.kind))

export function memoryTarget(queue: string, options: object = {}): TargetSink {
  const at = {
    connection,
    connectionName: 'memory',
    route: 'r',
    options: memory.sink!.options.parse({ queue, ...options }),
  }
  return {
    open: context => memory.sink!.open(at, context),
    prepare: (limits, m) => memory.sink!.prepare(at, limits, m),
  }
}

export function folderPlace(path: string): DeadLetterPlace {
  const at = { connection, connectionName: '', route: 'r', options: folder.sink!.options.parse({ path }) }
  return {
    name: `folder ${path}`,
    sink: { open: c => folder.sink!.open(at, c), prepare: (l, m) => folder.sink!.prepare(at, l, m) },
  }
}

/** Files under their final name: the ones that begin with a dot are still being written. */
export const deadFiles = async (folder: string) =>
  (await readdir(folder)).filter(f => !f.startsWith('.')).sort()

export const deadLetters = async (folder: string) => {
  const files = await deadFiles(folder)
  return Promise.all(files.map(async f => readRecord(await readFile(join(folder, f), 'utf8'))))
}

/** As from a broker that gives no ids and counts nothing. */
const withoutName =
  (deliver: Deliver): Deliver =>
  ({ id: _, deliveryCount: __, ...delivery }) =>
    deliver(delivery)

/** The parts of a route to the memory queue `NAME-out` that most tests do not care about. */
export const usualParts = (name: string, dead: string, fifo: boolean) =>
  ({
    name,
    mapping: m => m,
    buffer: { maxMessages: 1000, maxBytes: 2 ** 20 },
    targets: new Map([['main', memoryTarget(`${name}-out`, { fifo })]]),
    deadLetters: [folderPlace(dead)],
    retry: { initial: 1, max: 5, maxAttempts: 3 },
    breaker: { failureRate: 0.5, minimumCalls: 5, window: 1_000, openFor: 50 },
    order: { ordering: fifo ? 'by_group' : 'none', onRefused: 'continue' },
    expired: 'drop',
    trail: { bridge: 'test', maxHops: 16, loop: 'dead_letter' },
  }) satisfies Omit<RouteParts, 'source'>

/** A route from one memory queue to another, with quick retries, stopped when the test ends. */
export async function routeOnMemory(
  t: TestContext,
  more: Partial<RouteParts> & {
    prefetch?: number
    fifo?: boolean
    nameless?: boolean
    holdLimit?: number
  } = {},
) {
  const name = `test-${++names}`
  const source = memoryQueue(`${name}-in`)
  const target = memoryQueue(`${name}-out`)
  const dead = await mkdtemp(join(tmpdir(), 'sluice-dead-'))
  const events: RouteEvent[] = []
  const {
    prefetch = 100,
    fifo = false,
    nameless = false,
    holdLimit = Number.POSITIVE_INFINITY,
    ...parts
  } = more
  const options = memory.source!.options.parse({ queue: `${name}-in`, prefetch })
  const at = { connection, connectionName: 'memory', route: name, options }
  const route = new Route(
    {
      ...usualParts(name, dead, fifo),
      source: {
        connectionName: 'memory',
        prefetch,
        holdLimit: () => holdLimit,
        open: (d, c) => memory.source!.open(at, nameless ? withoutName(d) : d, c),
      },
      ...parts,
    },
    event => events.push(event),
  )
  t.after(() => route.stop(AbortSignal.abort()))
  route.start()
  return { route, source, target, dead, events, name }
}
