import { randomUUID } from 'node:crypto'
import { stringify } from 'yaml'
import { memoryQueue } from '../../src/adapters/memory/queue.ts'
import { Bridge } from '../../src/bridge.ts'
import { loadText } from '../../src/config/load.ts'
import type { RouteEvent } from '../../src/core/events.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { type DeadLetter, readRecord } from '../../src/route/dead-letter/record.ts'
import type { Broker } from '../support/brokers.ts'
import { startAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { aspects, type Specimen, specimenName, specimensOf } from './aspects.ts'
import type { Client, Seen } from './clients/client.ts'
import { sayable, type VariantKey } from './table.ts'
import type { Variant } from './variants.ts'

/** How a specimen came into the source's broker: written by a client of the protocol, or by Sluice's own sink. */
export const origins = ['native', 'chain'] as const
export type Origin = (typeof origins)[number]

/** All that became of the specimens. */
export interface Outcome {
  specimens(source: VariantKey, origin: Origin): readonly Specimen[]
  /** What Sluice read at the source. */
  read(source: VariantKey, origin: Origin, specimen: string): Message | undefined
  /** What a client that is not Sluice saw at the target. */
  seen(source: VariantKey, origin: Origin, specimen: string, target: VariantKey): Seen | undefined
  /** What Sluice read back at the target. */
  back(source: VariantKey, origin: Origin, specimen: string, target: VariantKey): Message | undefined
  /** What a foreign client saw more than once. */
  readonly repeated: readonly string[]
  /** Why it was not sent to the target, or for the chain's first part not to the source's broker. */
  refused(
    source: VariantKey | 'chain',
    origin: Origin,
    specimen: string,
    target: VariantKey,
  ): string | undefined
}

const routeFrom = (key: string) => `from-${key}`
const chain = 'chain'

/**
 * One bridge in this process with a route for each source, each with two targets for every protocol: of one a foreign client
 * reads, of the other a route of its own, into this process. Resolves when each specimen has arrived or was refused
 * everywhere, or when nothing more comes.
 */
export async function carryAll(present: ReadonlyMap<Variant, Broker | undefined>): Promise<Outcome> {
  const run = randomUUID().slice(0, 8)
  const place = (key: string, role: 'in' | 'seen' | 'back') => `matrix-${run}-${role}-${key}`
  await using aws = await startAws()
  const clients = new Map<Variant, Client>()
  for (const [variant, broker] of present) clients.set(variant, await variant.open(broker, aws))
  const seen = new Map<string, Seen>()
  const repeated: string[] = []
  for (const [{ key, canBeSource }, client] of clients) {
    await client.make(place(key, 'seen'))
    if (canBeSource) await client.make(place(key, 'in'))
    if (canBeSource) await client.make(place(key, 'back'))
    await client.receive(place(key, 'seen'), s => {
      if (seen.has(`${s.specimen} ${key}`)) repeated.push(`${s.specimen} at ${key}`)
      seen.set(`${s.specimen} ${key}`, s)
    })
  }
  const memory = (name: string) => `matrix-${run}-${name}`
  const events: RouteEvent[] = []
  // Two, since queues in memory have no addresses: of one bridge they would look like a circle.
  const configs = configurations(clients, place, memory).map(
    c => loadText('matrix.yaml', stringify(c)).config,
  )
  const bridges = configs.map(config => new Bridge(config, event => events.push(event)))
  for (const bridge of bridges) bridge.start()
  try {
    const routes = configs.flatMap(c => c.routes)
    await until(() => links(routes, events), { what: 'every link', timeout: 30_000 })
    const known = new Map<string, readonly Specimen[]>()
    const all = specimensOf(aspects)
    for (const specimen of all) memoryQueue(memory(chain)).put(messageOf(specimen))
    for (const [{ key, canBeSource }, client] of clients) {
      if (!canBeSource) continue
      known.set(`${key} chain`, all)
      known.set(`${key} native`, specimensOf(aspects.filter(a => sayable(key, a.id))))
      await client.send(
        place(key, 'in'),
        known.get(`${key} native`)!.map(s => ({ ...s, id: `native.${s.id}` })),
      )
    }
    const outcome = outcomeOf({ known, seen, repeated, memory, keys: [...clients.keys()].map(v => v.key) })
    await until(() => isOver(outcome, [...clients.keys()]), {
      what: 'the last specimen',
      timeout: 60_000,
      every: 200,
    }).catch(() => {})
    return outcome
  } finally {
    const deadline = AbortSignal.timeout(5_000)
    await Promise.all(bridges.map(bridge => bridge.stop(deadline)))
    for (const client of clients.values()) await client.close()
  }
}

type Place = (key: string, role: 'in' | 'seen' | 'back') => string

function configurations(
  clients: ReadonlyMap<Variant, Client>,
  place: Place,
  memory: (name: string) => string,
) {
  const here = (queue: string) => ({ connection: 'here', queue: memory(queue) })
  const all = Array.from(clients, ([variant, client]) => ({ ...variant, client }))
  const sources = all.filter(v => v.canBeSource)
  const named = (source: string, was: string) => [
    { set: { headers: { [specimenName]: `${source}.${was}` } } },
  ]
  const idOf = (key: string) =>
    key === 'mqtt311' ? '${$split(address, "/")[-1]}' : `\${headers.${specimenName}}`
  const targets = Object.fromEntries(
    all.flatMap(({ key, client, canBeSource }) => [
      [`${key}-seen`, { connection: key, ...client.sink(place(key, 'seen')) }],
      ...(canBeSource ? [[`${key}-back`, { connection: key, ...client.sink(place(key, 'back')) }]] : []),
    ]),
  )
  const common = {
    defaults: { dead_letter: [here('dead')], retry: { max_attempts: 2 } },
    connections: {
      here: { protocol: 'memory' },
      ...Object.fromEntries(all.map(({ key, client }) => [key, client.connection])),
    },
  }
  const first = {
    from: here(chain),
    mapping: named('chain', `\${headers.${specimenName}}`),
    targets: Object.fromEntries(
      sources.map(({ key, client }) => [key, { connection: key, ...client.sink(place(key, 'in')) }]),
    ),
  }
  const routes = sources.flatMap(({ key, client }) => [
    [
      routeFrom(key),
      {
        from: { connection: key, ...client.source(place(key, 'in')) },
        mapping: named(key, idOf(key)),
        targets: { ...targets, here: here(`read-${key}`) },
      },
    ],
    [
      `back-${key}`,
      {
        from: { connection: key, ...client.source(place(key, 'back')) },
        ...(key === 'mqtt311' && { mapping: [{ set: { headers: { [specimenName]: idOf(key) } } }] }),
        targets: { here: here(`back-${key}`) },
      },
    ],
  ])
  return [
    { ...common, routes: { [chain]: first } },
    { ...common, routes: Object.fromEntries(routes) },
  ]
}

/** Are all links of all routes open? Dead letters open theirs when they need it. */
export function links(
  routes: readonly { readonly name: string; readonly targets: ReadonlyMap<string, unknown> }[],
  events: readonly RouteEvent[],
): boolean {
  const up = new Set(events.flatMap(e => (e.type === 'link_up' ? [`${e.route} ${e.link}`] : [])))
  const missing = routes.flatMap(({ name, targets }) =>
    ['source', ...targets.keys()].map(link => `${name} ${link}`).filter(link => !up.has(link)),
  )
  if (missing.length === 0) return true
  const down = events.flatMap(e =>
    e.type === 'link_down' && missing.includes(`${e.route} ${e.link}`)
      ? [`${e.link}: ${e.error?.message}`]
      : [],
  )
  throw new Error(`not open: ${missing.join(', ')}; ${[...new Set(down)].join('; ')}`)
}

const messageOf = ({ id, body, headers, properties }: Specimen): Message => ({
  address: 'here',
  body,
  properties,
  headers: { [specimenName]: text(id), ...headers },
})

const specimenOf = ({ headers }: Message): string => {
  const id = headers[specimenName]
  return id?.type === 'string' ? id.value : ''
}

interface Found {
  readonly known: ReadonlyMap<string, readonly Specimen[]>
  readonly seen: ReadonlyMap<string, Seen>
  readonly repeated: readonly string[]
  readonly keys: readonly VariantKey[]
  memory(name: string): string
}

function outcomeOf({ known, seen, repeated, memory, keys }: Found): Outcome {
  const index = new Map<string, Message>()
  const looked = new Map<string, number>()
  const refusals = new Map<string, string>()
  const look = () => {
    for (const kind of ['read', 'back']) {
      for (const key of keys) {
        const { messages } = memoryQueue(memory(`${kind}-${key}`))
        for (const m of messages.slice(looked.get(kind + key) ?? 0))
          index.set(`${kind} ${specimenOf(m)} ${key}`, m)
        looked.set(kind + key, messages.length)
      }
    }
    const { messages } = memoryQueue(memory('dead'))
    for (const m of messages.slice(looked.get('dead') ?? 0)) {
      const letter = readRecord((m.body as { text: string }).text)
      refusals.set(`${letter.route} ${idIn(letter)} ${letter.target}`, `${letter.kind}: ${letter.reason}`)
    }
    looked.set('dead', messages.length)
  }
  const id = (source: string, origin: Origin, specimen: string) => `${source}.${origin}.${specimen}`
  const after = <T>(get: () => T): T => {
    look()
    return get()
  }
  return {
    repeated,
    specimens: (source, origin) => known.get(`${source} ${origin}`) ?? [],
    read: (source, origin, s) => after(() => index.get(`read ${id(source, origin, s)} ${source}`)),
    seen: (source, origin, s, target) => seen.get(`${id(source, origin, s)} ${target}`),
    back: (source, origin, s, target) => after(() => index.get(`back ${id(source, origin, s)} ${target}`)),
    refused: (source, origin, s, target) =>
      after(() =>
        source === 'chain'
          ? refusals.get(`chain ${s} ${target}`)
          : (refusals.get(`${routeFrom(source)} ${origin}.${s} ${target}-seen`) ??
            refusals.get(`${routeFrom(source)} ${origin}.${s} ${target}-back`)),
      ),
  }
}

/** The message of a dead letter is as it was before the mapping. */
const idIn = ({ message }: DeadLetter): string => {
  const id = specimenOf(message)
  return id === '' ? message.address.slice(message.address.lastIndexOf('/') + 1) : id
}

/** Has everything arrived or been refused? */
function isOver(outcome: Outcome, variants: readonly Variant[]): boolean {
  const waiting: string[] = []
  for (const { key: source, canBeSource } of variants) {
    if (!canBeSource) continue
    for (const origin of origins) {
      for (const { id } of outcome.specimens(source, origin)) {
        if (origin === 'chain' && outcome.refused('chain', origin, id, source) !== undefined) continue
        for (const target of variants) {
          if (outcome.refused(source, origin, id, target.key) !== undefined) continue
          if (outcome.seen(source, origin, id, target.key) === undefined)
            waiting.push(`${source} ${id} ${target.key}`)
          if (!target.canBeSource) continue
          if (outcome.back(source, origin, id, target.key) === undefined)
            waiting.push(`${source} ${id} ${target.key}`)
        }
      }
    }
  }
  return waiting.length === 0
}
