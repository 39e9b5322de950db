import { amqp10 } from '../src/adapters/amqp10/index.ts'
import { mqtt } from '../src/adapters/mqtt/index.ts'
import { sqs } from '../src/adapters/sqs/index.ts'
import type { Adapter, Endpoint, LinkContext, SourceOptions } from '../src/core/adapter.ts'
import type { Message } from '../src/core/message.ts'

/** The two floors of a run, in this process: a source without a bridge, and a sink without one. */

export interface Floor {
  readonly perSecond: number
  readonly cpuMicroseconds: number
}

const context: LinkContext = { signal: new AbortController().signal, report: () => {} }

/** A source whose deliveries are settled as they come. Ends after `count`. */
export async function drainSource(
  protocol: 'amqp10' | 'mqtt' | 'sqs',
  connection: object,
  options: object,
  count: number,
  ready: () => void,
) {
  const adapter = { amqp10, mqtt, sqs }[protocol] as unknown as Adapter<unknown, SourceOptions, unknown>
  const at: Endpoint<unknown, SourceOptions> = {
    connection: adapter.connection.parse(connection),
    connectionName: 'bench',
    route: 'floor',
    options: adapter.source!.options.parse(options),
  }
  const done = Promise.withResolvers<void>()
  let came = 0
  const source = await adapter.source!.open(
    at,
    delivery => {
      void delivery.settle('accepted')
      source.grant(1, 2_048)
      if (++came === count) done.resolve()
    },
    context,
  )
  const measured = measure(count, done.promise)
  source.grant(500, 500 * 2_048)
  ready()
  const floor = await measured
  await source.close()
  return floor
}

/** A sink that is fed from memory, 500 messages in flight. */
export async function feedSink(endpoint: string, count: number): Promise<Floor> {
  const kind = sqs.sink!
  const at = {
    connection: sqs.connection.parse({
      endpoint,
      region: 'eu-west-1',
      access_key_id: 'x',
      secret_access_key: 'y',
    }),
    connectionName: 'bench',
    route: 'floor',
    options: kind.options.parse({ queue: 'bench' }),
  }
  const sink = await kind.open(at, context)
  const message: Message = {
    address: 'bench',
    body: { kind: 'bytes', bytes: Buffer.alloc(1_024, 'x') },
    properties: {},
    headers: {
      kind: { type: 'string', value: 'order' },
      attempt: { type: 'int32', value: 1 },
      number: { type: 'int64', value: 1n },
    },
  }
  let left = count
  const feed = async () => {
    while (left-- > 0) await sink.send(kind.prepare(at, sink.limits, message), context.signal)
  }
  const floor = await measure(count, Promise.all(Array.from({ length: 500 }, feed)))
  await sink.close()
  return floor
}

async function measure(count: number, work: Promise<unknown>): Promise<Floor> {
  const began = performance.now()
  const cpu = process.cpuUsage()
  await work
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: Math.round(count / seconds), cpuMicroseconds: Math.round((user + system) / count) }
}
