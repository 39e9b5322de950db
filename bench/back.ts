import type { Broker } from '../test/support/brokers.ts'
import { startProxy } from '../test/support/proxy.ts'
import { until } from '../test/support/until.ts'
import { type BridgeProcess, type StandIn, startBridge, startStandIn } from './children.ts'
import { brokerConnection, cloud, dead, mebibytes } from './ends.ts'
import { createQueue, paceAmqp } from './produce.ts'

/** Runs on the way back: from SQS to brokers, and from a broker to two targets of which one is down. */
type Row = Record<string, string | number | null>

const seconds = (n: number) => new Promise(resolve => setTimeout(resolve, n * 1000))

const routeBack = (
  url: string,
  protocol: string,
  broker: Broker,
  target: { readonly queue: string; readonly connections?: number },
  via?: number,
) => ({
  connections: { mq: { protocol, ...brokerConnection(broker, 'amqp', via) }, cloud: cloud(url) },
  routes: {
    bench: {
      from: { connection: 'cloud', queue: 'bench', prefetch: 2_000 },
      targets: { main: { connection: 'mq', ...target } },
      dead_letter: dead,
    },
  },
})

const deletedAtLeast = (standIn: StandIn, count: number) =>
  until(async () => (await standIn.stats()).deleted >= count, { what: `${count} deleted`, timeout: 120_000 })

/** SQS answers after 20 ms a call and has always messages of 1 KiB with three attributes; one counts when it was deleted. */
export async function fromSqs(
  title: string,
  protocol: string,
  broker: Broker,
  options: { readonly connections?: number } = {},
): Promise<Row> {
  const name = `bench-${process.pid}-back`
  const queue = broker.name === 'rabbitmq4' ? await createQueue(broker, name) : undefined
  let row: Row
  {
    await using standIn = await startStandIn(20)
    await using bridge = await startBridge(
      routeBack(standIn.url, protocol, broker, { queue: name, ...options }),
    )
    await deletedAtLeast(standIn, 20_000)
    const [from, { deleted: before }, began] = [
      await bridge.usage(),
      await standIn.stats(),
      performance.now(),
    ]
    await deletedAtLeast(standIn, before + 60_000)
    const [to, { deleted: after }] = [await bridge.usage(), await standIn.stats()]
    row = {
      run: `SQS to ${title}, SQS answers after 20 ms`,
      'messages/s': Math.round((after - before) / ((performance.now() - began) / 1000)),
      'CPU us/message': Math.round(((to.cpu - from.cpu) * 1e6) / (after - before)),
      'RSS MiB': mebibytes(to.rss),
    }
  }
  await queue?.drop()
  return row
}

/** The broker goes away under full load, while SQS has ever more. */
export async function brokerDown(away: number, broker: Broker): Promise<Row> {
  const name = `bench-${process.pid}-down`
  const queue = await createQueue(broker, name)
  let row: Row
  {
    await using proxy = await startProxy({ host: broker.host, port: broker.ports.amqp! })
    await using standIn = await startStandIn(20)
    await using bridge = await startBridge(
      routeBack(standIn.url, 'amqp091', broker, { queue: name }, proxy.port),
    )
    await deletedAtLeast(standIn, 50_000)
    proxy.refuse()
    proxy.cut()
    const samples = await memoryWhile(bridge, away)
    const { deleted } = await standIn.stats()
    proxy.resume()
    await deletedAtLeast(standIn, deleted + 50_000)
    row = {
      run: `SQS to RabbitMQ, the broker down for ${away} s`,
      'RSS MiB at its begin': mebibytes(samples[0]!),
      'largest RSS MiB': mebibytes(Math.max(...samples)),
      'RSS MiB at its end': mebibytes(samples.at(-1)!),
      'carried after': (await standIn.stats()).deleted - deleted,
    }
  }
  await queue.drop()
  return row
}

async function memoryWhile(bridge: BridgeProcess, away: number): Promise<number[]> {
  const samples: number[] = []
  for (const end = performance.now() + away * 1000; performance.now() < end; await seconds(0.5)) {
    samples.push((await bridge.usage()).rss)
  }
  return samples
}

/** Two targets, one of them down for a time: what the other gets meanwhile, and what it gets twice. */
export async function twoTargets(away: number, broker: Broker): Promise<Row> {
  const [name, rate] = [`bench-${process.pid}-two`, 500]
  const queue = await createQueue(broker, name)
  let row: Row
  {
    await using well = await startStandIn(20)
    const ill = await startStandIn(20)
    await using _bridge = await startBridge({
      connections: {
        mq: { protocol: 'amqp10', ...brokerConnection(broker, 'amqp') },
        well: cloud(well.url),
        ill: cloud(ill.url),
      },
      routes: {
        bench: {
          from: { connection: 'mq', queue: name, prefetch: 60_000 },
          buffer: { max_messages: 60_000, max_bytes: '256MiB' },
          targets: {
            well: { connection: 'well', queue: 'bench' },
            ill: { connection: 'ill', queue: 'bench' },
          },
          dead_letter: dead,
        },
      },
    })
    const producing = paceAmqp(broker, name, rate, away + 10)
    await until(async () => (await ill.stats()).confirmed > rate, { what: 'a steady flow', timeout: 30_000 })
    await ill[Symbol.asyncDispose]()
    const { confirmed: before } = await well.stats()
    await seconds(away)
    const { confirmed: after } = await well.stats()
    await using back = await startStandIn(20, ill.port)
    const sent = await producing
    await until(async () => (await well.stats()).confirmed >= sent, {
      what: 'all at the one',
      timeout: 60_000,
    })
    await until(async () => (await back.stats()).confirmed >= sent - before - rate, {
      what: 'the backlog at the other',
      timeout: 60_000,
    })
    const stats = await well.stats()
    row = {
      run: `two targets at ${rate}/s, one down for ${away} s`,
      'messages/s at the other meanwhile': Math.round((after - before) / away),
      'p99 ms there': stats.p99,
      'repeated there': stats.repeated,
      'carried to the one after': (await back.stats()).confirmed,
    }
  }
  await queue.drop()
  return row
}
