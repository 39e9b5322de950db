import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { startOwnBroker, withBroker } from '../test/support/brokers.ts'
import { until } from '../test/support/until.ts'
import { brokerDown, fromSqs, twoTargets } from './back.ts'
import { type BridgeProcess, type StandIn, startBridge, startStandIn } from './children.ts'
import { throughS3 } from './claim-check.ts'
import { diskRuns, intoDisk } from './disk.ts'
import { brokerConnection, cloud, dead, mebibytes } from './ends.ts'
import { drainSource, feedSink } from './floors.ts'
import { mappingCosts } from './mapping.ts'
import { createQueue, paceAmqp, produceAmqp, publish } from './produce.ts'

/**
 * Measures the bridge as its own process between a real broker and a stand-in for SQS: messages a second, CPU a
 * message, memory, latency from broker to confirmed, beside two floors (the source alone, the sink alone).
 * Prints a line a run and writes `bench/results/latest.json`. Arguments choose among the runs; see `runs` below.
 */
const results: Record<string, string | number | null>[] = []
const rabbitmq = await withBroker('rabbitmq4')
const mosquitto = await withBroker('mosquitto')
const machine = `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
process.stdout.write(`${machine}; RabbitMQ ${rabbitmq.version}, Mosquitto ${mosquitto.version}\n`)

const fromRabbit = (queue: string, url: string) => ({
  connections: { mq: { protocol: 'amqp10', ...brokerConnection(rabbitmq, 'amqp') }, cloud: cloud(url) },
  routes: {
    bench: {
      from: { connection: 'mq', queue, prefetch: 1_000 },
      targets: { main: { connection: 'cloud', queue: 'bench' } },
      dead_letter: dead,
    },
  },
})
const fromMosquitto = (topic: string, url: string) => ({
  connections: {
    mq: { protocol: 'mqtt', version: 5, ...brokerConnection(mosquitto, 'mqtt') },
    cloud: cloud(url),
  },
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

/** The sink goes down under full load and stays away for a minute, while 100,000 messages wait on the broker. */
async function outage(seconds: number): Promise<void> {
  const queue = `bench-${process.pid}-outage`
  const before = 50_000
  const waiting = 100_000
  const { drop } = await createQueue(rabbitmq, queue)
  await produceAmqp(rabbitmq, queue, before)
  const first = await startStandIn(20)
  await using bridge = await startBridge(fromRabbit(queue, first.url))
  await confirmed(first, before)
  await produceAmqp(rabbitmq, queue, 1_000)
  await first[Symbol.asyncDispose]()
  await produceAmqp(rabbitmq, queue, waiting)
  let rss = 0
  for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
    rss = Math.max(rss, (await bridge.usage()).rss)
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  await using second = await startStandIn(20, first.port)
  await confirmed(second, waiting)
  note({
    run: `sink down for ${seconds} s after ${before} messages, ${waiting} waiting`,
    'largest RSS MiB': mebibytes(rss),
    'RSS MiB after the backlog': mebibytes((await bridge.usage()).rss),
    'carried after': (await second.stats()).confirmed,
  })
  await drop()
}

async function floors(delay: number): Promise<void> {
  const queue = `bench-${process.pid}-floor`
  const { drop } = await createQueue(rabbitmq, queue)
  await produceAmqp(rabbitmq, queue, 100_000)
  const source = await drainSource(
    'amqp10',
    brokerConnection(rabbitmq, 'amqp'),
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
  const { protocol: _, ...connection } = cloud(standIn.url)
  const received = await drainSource('sqs', connection, { queue: 'bench', prefetch: 1_000 }, 50_000, () => {})
  note({
    run: `floor: SQS drained into nothing, answers after ${delay} ms`,
    'messages/s': received.perSecond,
    'CPU us/message': received.cpuMicroseconds,
  })
  await feedSink(standIn.url, 20_000)
  const sink = await feedSink(standIn.url, 60_000)
  note({
    run: `floor: SQS fed from memory, answers after ${delay} ms`,
    'messages/s': sink.perSecond,
    'CPU us/message': sink.cpuMicroseconds,
  })
}

/** A broker of its own each time, with Java as it is distributed: what nobody reads takes memory there. */
async function toActiveMq(
  title: string,
  { connections, settings = '' }: { readonly connections: number; readonly settings?: string },
): Promise<void> {
  await using own = await startOwnBroker('activemq', {
    SLUICE_ACTIVEMQ_JVM: '-Xms64m -Xmx1g',
    SLUICE_ACTIVEMQ_SETTINGS: settings,
  })
  const run = `AMQP 1.0 on ActiveMQ${title}, connections: ${connections}`
  note(await fromSqs(run, 'amqp10', own.broker, { connections }))
}

async function confirmed(standIn: StandIn, count: number): Promise<void> {
  const what = `${count} confirmed`
  await until(async () => (await standIn.stats()).confirmed >= count, { what, timeout: 180_000 })
}

const runs: Readonly<Record<string, () => Promise<void>>> = {
  floors: () => floors(20),
  'amqp10-at-once': () => backlog('AMQP 1.0 backlog, SQS answers at once', 0, 100_000),
  'amqp10-20ms': () => backlog('AMQP 1.0 backlog, SQS answers after 20 ms', 20, 100_000),
  'amqp10-latency': () => latencyAmqp(20, 2_000),
  'mqtt-at-once': () => mqttRun(0, 50_000),
  'mqtt-20ms': () => mqttRun(20, 50_000),
  outage: () => outage(60),
  'sqs-rabbitmq': async () => note(await fromSqs('AMQP 0-9-1 on RabbitMQ', 'amqp091', rabbitmq)),
  'sqs-activemq': async () => {
    for (const connections of [1, 4, 8]) await toActiveMq('', { connections })
    await toActiveMq(' without its disk', { connections: 1, settings: 'persistent=false;memory=600 mb' })
  },
  'claim-check': async () => note(await throughS3(rabbitmq, 1_000, 512 * 1024)),
  'broker-down': async () => note(await brokerDown(60, rabbitmq)),
  disk: async () => {
    for (const run of diskRuns) note(await intoDisk(run))
  },
  mapping: async () => {
    for (const { name, cpuMicroseconds } of await mappingCosts()) {
      note({ run: `mapping: ${name}`, 'CPU us/message over none': Math.round(cpuMicroseconds * 10) / 10 })
    }
  },
  'two-targets': async () => note(await twoTargets(60, rabbitmq)),
}
const chosen = process.argv.slice(2)
for (const [name, run] of Object.entries(runs)) if (chosen.length === 0 || chosen.includes(name)) await run()
const folder = join(import.meta.dirname, 'results')
await mkdir(folder, { recursive: true })
await writeFile(join(folder, 'latest.json'), `${JSON.stringify({ machine, results }, null, 2)}\n`)
