import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Broker, BrokerName } from './brokers.ts'

const run = promisify(execFile)
const script = join(import.meta.dirname, '../../scripts/brokers')
const probe = join(import.meta.dirname, '../../scripts/broker/probe.mjs')

/** Where an image wants its configuration and keeps its data; the configuration itself is scripts/brokers'. */
interface Image {
  readonly image: string
  readonly conf: string
  readonly data: string
  readonly environment?: Readonly<Record<string, string>>
}

const images: Readonly<Record<BrokerName, Image>> = {
  activemq: {
    image: 'apache/activemq-classic:5.18.7',
    conf: '/opt/apache-activemq/conf',
    data: '/opt/apache-activemq/data',
  },
  artemis: {
    image: 'apache/activemq-artemis:2.40.0',
    conf: '/var/lib/artemis-instance/etc-override',
    data: '/var/lib/artemis-instance/data',
    environment: { ARTEMIS_USER: 'sluice', ARTEMIS_PASSWORD: 'sluice-secret' },
  },
  rabbitmq3: { image: 'rabbitmq:3.13-management', conf: '/etc/rabbitmq', data: '/var/lib/rabbitmq' },
  rabbitmq4: { image: 'rabbitmq:4.1-management', conf: '/etc/rabbitmq', data: '/var/lib/rabbitmq' },
  mosquitto: { image: 'eclipse-mosquitto:2.0', conf: '/mosquitto/config', data: '/mosquitto/data' },
}

const startTimeout = 180_000
const decisionLife = 15 * 60_000
const decisionFile = join(tmpdir(), `sluice-broker-containers-${process.getuid?.() ?? 'user'}.json`)

/** Is there any sign of a Docker engine? Costs nothing, so that testcontainers is not loaded in vain. */
function engineIsLikely(): boolean {
  return Boolean(process.env.DOCKER_HOST) || existsSync('/var/run/docker.sock')
}

/** That containers did not work is remembered for a quarter of an hour, so that not every test file finds out anew. */
async function containersFailed(): Promise<boolean> {
  try {
    const { at } = JSON.parse(await readFile(decisionFile, 'utf8')) as { at: number }
    return Date.now() - at < decisionLife
  } catch {
    return false
  }
}

/**
 * The broker in a container that lives as long as this process, or undefined where no engine answers or the image
 * cannot be had in time.
 */
export async function brokerInContainer(name: BrokerName): Promise<Broker | undefined> {
  if (process.env.SLUICE_BROKERS === 'native' || !engineIsLikely() || (await containersFailed()))
    return undefined
  try {
    return await start(name, images[name])
  } catch (error) {
    await writeFile(decisionFile, JSON.stringify({ at: Date.now(), reason: String(error) }))
    return undefined
  }
}

async function start(name: BrokerName, { image, conf, data, environment }: Image): Promise<Broker> {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  await getContainerRuntimeClient()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-broker-'))
  const software = join(folder, 'software')
  const env = { ...process.env, SLUICE_BROKERS_DIR: software, SLUICE_BROKERS_RUN: software }
  const tls = '/sluice/tls'
  await run(script, ['certificates'], { env })
  const settings = ['host=0.0.0.0', `data=${data}`, `conf=${conf}`, `tls=${tls}`]
  await run(script, ['configuration', name, join(folder, 'conf'), ...settings], { env })
  const ports = (await readFile(join(folder, 'conf', 'ports'), 'utf8'))
    .trim()
    .split('\n')
    .map(line => line.split('=') as [string, string])
    .filter(([port]) => port !== 'epmd' && port !== 'distribution')

  const container = await new GenericContainer(image)
    .withCopyDirectoriesToContainer([
      { source: join(folder, 'conf'), target: conf },
      { source: join(software, 'tls'), target: tls },
    ])
    .withEnvironment(environment ?? {})
    .withExposedPorts(...ports.map(([, inside]) => Number(inside)))
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(startTimeout)
    .start()
  const broker: Broker = {
    name,
    version: image.split(':')[1] ?? image,
    pid: null,
    host: container.getHost(),
    ports: Object.fromEntries(ports.map(([port, inside]) => [port, container.getMappedPort(Number(inside))])),
    username: 'sluice',
    password: 'sluice-secret',
    tls: Object.fromEntries(
      [
        ['ca', 'ca.pem'],
        ['cert', 'client.pem'],
        ['key', 'client.key'],
      ].map(([key, file]) => [key, join(software, 'tls', file!)]),
    ) as unknown as Broker['tls'],
  }
  await answers(broker)
  return broker
}

/** Waits until each port of the broker answers in its own protocol. */
function answers(broker: Broker): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [probe, String(startTimeout / 1_000)], (error, _out, reason) =>
      error ? reject(new Error(reason, { cause: error })) : resolve(),
    )
    child.stdin?.end(JSON.stringify(broker))
  })
}
