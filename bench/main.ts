import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { type Broker, withBroker } from '../test/support/brokers.ts'
import { until } from '../test/support/until.ts'
import { type BridgeProcess, type StandIn, startBridge, startStandIn } from './children.ts'
import { drainSource, feedSink } from './floors.ts'
import { createQueue, paceAmqp, produceAmqp, publish } from './produce.ts'

/**
 * Measures the bridge as its own process between a real broker and a stand-in for SQS: messages a second, CPU a
 * message, memory, latency from broker to confirmed, beside two floors (the source alone, the sink alone).
 * Prints a table and writes `bench/results/latest.json`.
 */
const results: Record<string, string | number | null>[] = []
const rabbitmq = await withBroker('rabbitmq4')
const mosquitto = await withBroker('mosquitto')
const machine = `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
process.stdout.write(`${machine}; RabbitMQ ${rabbitmq.version}, Mosquitto ${mosquitto.version}\n`)

const amqpConnection = ({ host, ports, username, password }: Broker) => ({
  urls: [`amqp://${host}:${ports.amqp}`],
  username,
  password,
})
const mqttConnection = ({ host, ports, username, password }: Broker) => ({
  urls: [`mqtt://${host}:${ports.mqtt}`],
  version: 5,
  username,
  password,
})
const dead = [{ folder: join(tmpdir(), 'sluice-bench-dead') }]
const cloud = (url: string) => ({
  protocol: 'sqs',
  endpoint: url,
  region: 'eu-west-1',
  access_key_id: 'x',
  secret_access_key: 'y',
})

const fromRabbit = (queue: string, url: string) => ({
  connections: { mq: { protocol: 'amqp10', ...amqpConnection(rabbitmq) }, cloud: cloud(url) },
  routes: {
    bench: {
      from: { connection: 'mq', queue, prefetch: 1_000 },
      targets: { main: { connection: 'cloud', queue: 'bench' } },
      dead_letter: dead,
    },
  },
})
const fromMosquitto = (topic: string, url: string) => ({
  connections: { mq: { protocol: 'mqtt', ...mqttConnection(mosquitto) }, cloud: cloud(url) },
  routes: {
    bench: {
      from: { connection: 'mq', topic, prefetch: 1_000, session: 'clean' },
      targets: { main: { connection: 'cloud', queue: 'bench' } },
      dead_letter: dead,
    },
  },
})

function note(row: Record<string, string | number | null>): void {
  results.push(row)
  process.stdout.write(
    `${Object.entries(row)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')}\n`,
  )
}

/** The whole backlog of a queue carried: rate and CPU between the first tenth and the end. */
async function backlog(name: string, delay: number, count: number): Promise<void> {
  const queue = `bench-${process.pid}-${delay}`
  const { drop } = await createQueue(rabbitmq, queue)
  await produceAmqp(rabbitmq, queue, count)
  await using standIn = await startStandIn(delay)
  await using bridge = await startBridge(fromRabbit(queue, standIn.url))
  await confirmed(standIn, count / 10)
  const [from, began] = [await bridge.usage(), performance.now()]
  const { confirmed: first, firstAt } = await standIn.stats()
  await confirmed(standIn, count)
  const seconds = (performance.now() - began) / 1000
  const to = await bridge.usage()
  note({
    run: name,
    'messages/s': Math.round((count - first) / seconds),
    'CPU us/message': Math.round(((to.cpu - from.cpu) * 1e6) / (count - first)),
    'RSS MiB': mebibytes(to.rss),
    'first confirmed after ms': (firstAt ?? 0) - bridge.startedAt,
  })
  await drop()
}

/** A steady rate, for latency from broker to confirmed. */
async function steady(
  name: string,
  bridge: BridgeProcess,
  standIn: StandIn,
  produce: () => Promise<number>,
): Promise<void> {
  await standIn.reset()
  const from = await bridge.usage()
  const began = performance.now()
  const sent = await produce()
  await confirmed(standIn, sent)
  const seconds = (performance.now() - began) / 1000
  const to = await bridge.usage()
  const { p50, p99 } = await standIn.stats()
  note({
    run: name,
    'messages/s': Math.round(sent / seconds),
    'CPU us/message': Math.round(((to.cpu - from.cpu) * 1e6) / sent),
    'RSS MiB': mebibytes(to.rss),
    'p50 ms': p50,
    'p99 ms': p99,
  })
}

async function latencyAmqp(delay: number, rate: number): Promise<void> {
  const queue = `bench-${process.pid}-steady`
  const { drop } = await createQueue(rabbitmq, queue)
  {
    await using standIn = await startStandIn(delay)
    await using bridge = await startBridge(fromRabbit(queue, standIn.url))
    await paceAmqp(rabbitmq, queue, 1_000, 2)
    await confirmed(standIn, 2_000)
    await steady(`AMQP 1.0 at ${rate}/s, SQS answers after ${delay} ms`, bridge, standIn, () =>
      paceAmqp(rabbitmq, queue, rate, 10),
    )
  }
  await drop()
}

async function mqttRun(delay: number, count: number): Promise<void> {
  const topic = `bench/${process.pid}/${delay}`
  await using standIn = await startStandIn(delay)
  await using bridge = await startBridge(fromMosquitto(topic, standIn.url))
  const soFar = async () => (await standIn.stats()).confirmed
  // Nothing comes through before the subscription is there.
  await until(async () => (await publish(mosquitto, topic, 1, 1, async () => 0)) ?? (await soFar()) > 0, {
    what: 'the subscription',
  })
  const produce = async () => {
    await publish(mosquitto, topic, count, 800, soFar)
    return count
  }
  await steady(`MQTT, SQS answers after ${delay} ms`, bridge, standIn, produce)
}

/** The sink is down for a minute while 100,000 messages wait on the broker. */
async function outage(seconds: number): Promise<void> {
  const queue = `bench-${process.pid}-outage`
  const count = 100_000
  const { drop } = await createQueue(rabbitmq, queue)
  await produceAmqp(rabbitmq, queue, count)
  let port: number
  {
    await using first = await startStandIn(0)
    port = first.port
  }
  await using bridge = await startBridge(fromRabbit(queue, `http://127.0.0.1:${port}`))
  let rss = 0
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    rss = Math.max(rss, (await bridge.usage()).rss)
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  await using standIn = await startStandIn(0, port)
  await confirmed(standIn, count)
  rss = Math.max(rss, (await bridge.usage()).rss)
  note({
    run: `sink down ${seconds} s, ${count} messages waiting`,
    'largest RSS MiB': mebibytes(rss),
    arrived: (await standIn.stats()).confirmed,
  })
  await drop()
}

async function floors(delay: number): Promise<void> {
  const queue = `bench-${process.pid}-floor`
  const { drop } = await createQueue(rabbitmq, queue)
  await produceAmqp(rabbitmq, queue, 100_000)
  const source = await drainSource(
    'amqp10',
    amqpConnection(rabbitmq),
    { queue, prefetch: 1_000 },
    100_000,
    () => {},
  )
  note({
    run: 'floor: AMQP 1.0 drained into nothing',
    'messages/s': source.perSecond,
    'CPU us/message': source.cpuMicroseconds,
  })
  await drop()
  await using standIn = await startStandIn(delay)
  await feedSink(standIn.url, 20_000)
  const sink = await feedSink(standIn.url, 60_000)
  note({
    run: `floor: SQS fed from memory, answers after ${delay} ms`,
    'messages/s': sink.perSecond,
    'CPU us/message': sink.cpuMicroseconds,
  })
}

async function confirmed(standIn: StandIn, count: number): Promise<void> {
  const what = `${count} confirmed`
  await until(async () => (await standIn.stats()).confirmed >= count, { what, timeout: 180_000 })
}

const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)

await floors(20)
await backlog('AMQP 1.0 backlog, SQS answers at once', 0, 100_000)
await backlog('AMQP 1.0 backlog, SQS answers after 20 ms', 20, 100_000)
await latencyAmqp(20, 2_000)
await mqttRun(0, 50_000)
await mqttRun(20, 50_000)
await outage(60)
const folder = join(import.meta.dirname, 'results')
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'latest.json'), `${JSON.stringify({ machine, results }, null, 2)}\n`)
