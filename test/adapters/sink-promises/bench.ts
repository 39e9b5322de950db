import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { within } from '../../../src/adapters/shared/within.ts'
import type { Endpoint, Limits, LinkEvent, Prepared, Sink } from '../../../src/core/adapter.ts'
import type { Message } from '../../../src/core/message.ts'
import { isTemplate } from '../../../src/core/template.ts'
import { startProxy } from '../../support/proxy.ts'
import type { RawTarget, SinkAdapter, SinkFixture } from '../sink-fixture.ts'

/** The part of a test that a promise uses. */
export type Scope = Pick<TestContext, 'after' | 'diagnostic'>

export const ids = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `m${from + i}`)

export const never = new AbortController().signal

/** A sink's endpoint, with the types of its adapter hidden. */
export interface Target {
  /** `at` a place, or the fixed one, or where the template comes to for it. */
  message(name: string, body: Uint8Array | string): Message
  prepare(limits: Limits, message: Message): Prepared
  open(signal?: AbortSignal, trial?: true): Promise<Producer>
}

/** One adapter on one broker: what the promises of a sink are tested with. */
export interface SinkBench {
  readonly broker: SinkFixture<unknown>
  /** Parses the endpoints as the configuration does, all with the connection of the first. */
  targets(...raw: readonly RawTarget[]): readonly Target[]
  /** Removes the places that were made, where the broker can: thousands of them fill its memory. */
  close(): Promise<void>
}

export function sinkBenchOf<C, O, P extends Prepared, N>(
  adapter: SinkAdapter<C, O, P>,
  fixture: SinkFixture<N>,
): SinkBench {
  const made = new Set<string>()
  const broker: SinkFixture<unknown> = {
    ...(fixture as unknown as SinkFixture<unknown>),
    async create() {
      const name = await fixture.create()
      made.add(name)
      return name
    },
    ...(fixture.remove && {
      async remove(name) {
        made.delete(name)
        await fixture.remove!(name)
      },
    }),
  }
  const kind = adapter.sink!
  const targets: SinkBench['targets'] = (...raw) => {
    const connection = adapter.connection.parse(raw[0]!.connection)
    return raw.map(({ sink: written }) => {
      const options = kind.options.parse(written)
      const at: Endpoint<C, O> = { connection, connectionName: 'conformance', route: 'conformance', options }
      return targetOf(adapter, at, broker)
    })
  }
  const close = async () => {
    try {
      for (const name of [...made]) await broker.remove?.(name)
    } finally {
      await fixture.close()
    }
  }
  return { broker, targets, close }
}

function targetOf<C, O, P extends Prepared>(
  { sink }: SinkAdapter<C, O, P>,
  at: Endpoint<C, O>,
  broker: SinkFixture<unknown>,
): Target {
  const kind = sink!
  const written = kind.address?.(at)
  const target: Target = {
    message: (name, body) =>
      frozen({
        address: written === undefined || !isTemplate(written) ? (written ?? name) : broker.addressOf!(name),
        body: { kind: 'bytes', bytes: Buffer.from(body) },
        headers: {},
        properties: {},
      }),
    prepare: (limits, message) => kind.prepare(at, limits, message),
    open: async (signal = never, trial) => {
      const events: LinkEvent[] = []
      const report = (event: LinkEvent) => events.push(event)
      const open = await kind.open(at, { signal, report, ...(trial && { trial }) })
      return new Producer(open as unknown as Sink, target, events)
    },
  }
  return target
}

/** Nobody may change a message. */
export function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value
  for (const part of Object.values(value)) frozen(part)
  return Object.freeze(value)
}

/** One open sink. */
export class Producer {
  readonly sink: Sink
  readonly target: Target
  readonly events: readonly LinkEvent[]

  constructor(sink: Sink, target: Target, events: readonly LinkEvent[]) {
    this.sink = sink
    this.target = target
    this.events = events
  }

  /** Closes when the test ends, whatever happened. */
  closeAfter(t: Scope): this {
    t.after(() => this.sink.close())
    return this
  }

  prepare(name: string, body: Uint8Array | string): Prepared {
    return this.target.prepare(this.sink.limits, this.target.message(name, body))
  }

  send(name: string, body: Uint8Array | string, signal = never): Promise<object> {
    return this.sink.send(this.prepare(name, body), signal)
  }

  /** All at once, in this order. */
  sendAll(name: string, bodies: readonly string[]): Promise<object>[] {
    const prepared = bodies.map(body => this.prepare(name, body))
    return prepared.map(p => this.sink.send(p, never))
  }
}

/** Opens a sink on the place, once; closed when the test ends. */
export async function opened(t: Scope, bench: SinkBench, raw: RawTarget): Promise<Producer> {
  return (await bench.targets(raw)[0]!.open()).closeAfter(t)
}

export async function proxied(t: Scope, { broker }: SinkBench) {
  const proxy = await startProxy(broker.address)
  t.after(() => proxy.close())
  return proxy
}

/** The target with other options of the connection. */
export const withConnection = (raw: RawTarget, more: object): RawTarget => ({
  ...raw,
  connection: { ...raw.connection, ...more },
})

/** The target with other options of the sink. */
export const withSink = (raw: RawTarget, more: object): RawTarget => ({
  ...raw,
  sink: { ...raw.sink, ...more },
})

export const limited = ({ broker }: SinkBench, raw: RawTarget, limit: string): RawTarget =>
  broker.limited?.(raw, limit) ?? withConnection(raw, { connect_timeout: limit })

/** What came is what was sent, in this order where the broker keeps one. */
export function arrived(
  { broker }: SinkBench,
  came: readonly string[],
  sent: readonly string[],
  what?: string,
): void {
  const plain = (all: readonly string[]) => (broker.unordered ? [...all].sort() : all)
  assert.deepEqual(plain(came), plain(sent), what)
}

/** The bodies there, up to the first that is `last`. Says what came when it does not. */
export async function readUntil(
  { broker }: SinkBench,
  name: string,
  isLast: (body: string, count: number) => boolean,
  limit = 20_000,
): Promise<string[]> {
  const came: string[] = []
  const reading = broker.read(name, ({ body }) => {
    came.push(body.toString())
    return isLast(came.at(-1)!, came.length)
  })
  try {
    await within(limit, 'reading', reading)
  } catch (cause) {
    throw new Error(`reading ${name}: ${came.length} came, the last ${came.slice(-3).join(', ')}`, { cause })
  }
  return came
}

export const read = (bench: SinkBench, name: string, count: number): Promise<string[]> =>
  readUntil(bench, name, (_, so) => so === count)

/** All that is there: sends an end behind it by a link of its own and reads up to that. */
export async function readBack(t: Scope, bench: SinkBench, name: string): Promise<string[]> {
  const producer = await opened(t, bench, bench.broker.endpoint(name))
  const reading = readUntil(bench, name, body => body === 'end')
  reading.catch(() => {})
  await producer.send(name, 'end')
  await producer.sink.close()
  return (await reading).slice(0, -1)
}

/** What became of each send. */
export interface Fates {
  readonly confirmed: readonly string[]
  readonly failed: ReadonlyMap<string, unknown>
  /** Resolves when all have ended. */
  readonly all: Promise<void>
}

/** `onConfirmed` is called with how many there are, at once. */
export function fatesOf(
  names: readonly string[],
  sends: readonly Promise<object>[],
  onConfirmed?: (count: number) => void,
): Fates {
  const confirmed: string[] = []
  const failed = new Map<string, unknown>()
  const each = sends.map((send, i) =>
    send.then(
      () => {
        confirmed.push(names[i]!)
        onConfirmed?.(confirmed.length)
      },
      (error: unknown) => void failed.set(names[i]!, error),
    ),
  )
  return { confirmed, failed, all: Promise.all(each).then(() => {}) }
}
