import type { TestContext } from 'node:test'
import type { SourceOptions } from '../../../src/core/adapter.ts'
import { startProxy } from '../../support/proxy.ts'
import { until } from '../../support/until.ts'
import { Consumer, type Open, opener, parse } from '../consumer.ts'
import type { RawEndpoint, SourceAdapter, SourceFixture } from '../fixture.ts'

export const ids = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, i) => `m${from + i}`)
export const bodies = (names: readonly string[]): Buffer[] => names.map(id => Buffer.from(id))

/** One adapter on one broker: what the promises of a source are tested with. */
export interface Bench {
  readonly broker: SourceFixture
  /** Parses the endpoints as the configuration does, all with the connection of the first; one opener for each. */
  openers(...ends: readonly { name: string; raw: RawEndpoint }[]): readonly Open[]
}

export function benchOf<C, O extends SourceOptions>(
  adapter: SourceAdapter<C, O>,
  broker: SourceFixture,
): Bench {
  const openers: Bench['openers'] = (...ends) => {
    const { connection } = parse(adapter, ends[0]!.name, ends[0]!.raw)
    return ends.map(({ name, raw }) => opener(adapter, { ...parse(adapter, name, raw), connection }))
  }
  return { broker, openers }
}

/** Opens a source on the place, once. */
export async function open(
  bench: Bench,
  name: string,
  raw = bench.broker.endpoint(name),
  signal?: AbortSignal,
): Promise<Consumer> {
  const [first] = bench.openers({ name, raw })
  return Consumer.by(first!, signal)
}

/** The same, closed when the test ends. */
export async function opened(t: TestContext, bench: Bench, name: string, raw?: RawEndpoint) {
  return (await open(bench, name, raw)).closeAfter(t)
}

export async function proxied(t: TestContext, bench: Bench) {
  const proxy = await startProxy(bench.broker.address)
  t.after(() => proxy.close())
  return proxy
}

/** The endpoint with other options of the connection. */
export const withConnection = (raw: RawEndpoint, more: object): RawEndpoint => ({
  ...raw,
  connection: { ...raw.connection, ...more },
})

/** A fresh place that holds so many messages. */
export async function filled({ broker }: Bench, count: number): Promise<string> {
  const name = await broker.create()
  await broker.produce(name, bodies(ids(count)))
  return name
}

/**
 * Reads the place to its end through a new link and returns what was there. Accepts as it goes: the end may wait behind
 * more than the broker, or the source, lets be unsettled.
 */
export async function readBack(t: TestContext, bench: Bench, name: string): Promise<string[]> {
  await bench.broker.produce(name, [Buffer.from('end')])
  const consumer = await opened(t, bench, name)
  consumer.grant(10_000)
  let accepted = 0
  const acceptNew = async () => {
    const unsettled = consumer.deliveries.slice(accepted)
    accepted += unsettled.length
    await Promise.all(unsettled.map(d => d.settle('accepted')))
    return consumer.deliveries.length === accepted && consumer.ids.includes('end')
  }
  await until(acceptNew, { what: 'the last message' })
  await consumer.source.close()
  await nothingLeft(bench, name)
  return consumer.ids.filter(id => id !== 'end')
}

export async function nothingLeft({ broker }: Bench, name: string): Promise<void> {
  if (!broker.left) return
  await until(async () => (await broker.left!(name)) === 0, { what: `nothing left in ${name}` })
}
