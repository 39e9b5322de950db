import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { brokerInContainer } from './broker-container.ts'
import { until } from './until.ts'

export type BrokerName = 'activemq' | 'artemis' | 'rabbitmq3' | 'rabbitmq4' | 'mosquitto'

/** A broker that runs: where it is and how to log in. The names of its ports are those of `scripts/brokers status`. */
export interface Broker {
  readonly name: BrokerName
  readonly version: string
  /** Null for one in a container. */
  readonly pid: number | null
  readonly host: string
  readonly ports: Readonly<Record<string, number>>
  readonly username: string
  readonly password: string
  /** Paths: the CA that signed the servers' certificates, and a client certificate (CN=sluice) with its key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
}

const run = promisify(execFile)
const top = join(import.meta.dirname, '../..')
const script = join(top, 'scripts/brokers')
const remedy = 'scripts/brokers install && scripts/brokers up'
const found = new Map<BrokerName, Promise<Broker | undefined>>()

/** The broker, in a container where that can be had, else the one that `scripts/brokers up` started; or undefined. */
export function findBroker(name: BrokerName): Promise<Broker | undefined> {
  let broker = found.get(name)
  if (!broker) {
    broker = brokerInContainer(name).then(contained => contained ?? runningBroker(name))
    found.set(name, broker)
  }
  return broker
}

/** The broker; throws, with the command that would bring it, when there is none. */
export async function withBroker(name: BrokerName): Promise<Broker> {
  const broker = await findBroker(name)
  if (!broker) throw new Error(missing(name))
  return broker
}

/**
 * A suite on a broker: `await describeOnBroker('activemq', 'amqp10', broker => { test(…) })`. Without the broker
 * the suite is one skipped test that names the command which would bring it, or a failed one when
 * SLUICE_REQUIRE_BROKERS=1.
 */
export async function describeOnBroker(
  name: BrokerName,
  title: string,
  suite: (broker: Broker) => void,
): Promise<void> {
  const broker = await findBroker(name)
  void describe(`${title} on ${name}`, () => {
    if (broker) return suite(broker)
    const isRequired = process.env.SLUICE_REQUIRE_BROKERS === '1'
    test(missing(name), { skip: !isRequired }, () => {
      throw new Error(`${missing(name)}, and SLUICE_REQUIRE_BROKERS=1 asks for it`)
    })
  })
}

/** A broker of a test's own, which it may stop and start without harm to others. */
export interface OwnBroker extends AsyncDisposable {
  /** The broker as it runs now; its ports and data stay the same over a restart. */
  readonly broker: Broker
  /** Ends it in its orderly way. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Ends its process without warning and waits until it is gone. */
  kill(): Promise<void>
}

/**
 * Starts a native broker in a temporary folder (seconds); dispose of it to end it and delete its data. `settings` are variables
 * that `scripts/brokers` reads.
 */
export async function startOwnBroker(
  name: BrokerName,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnBroker> {
  const folder = await mkdtemp(join(tmpdir(), `sluice-${name}-`))
  const command = (what: string) =>
    run(script, [what, name], { env: { ...process.env, ...settings, SLUICE_BROKERS_RUN: folder } })
  const remove = async () => {
    await command('remove')
    await rm(folder, { recursive: true, force: true })
  }
  const start = async () => {
    await command('up')
    return (await readState(folder))[name]!
  }

  let broker: Broker
  try {
    broker = await start()
  } catch (cause) {
    await remove()
    throw new Error(`${name} could not be started for this test. Try: ${remedy}`, { cause })
  }
  return {
    get broker() {
      return broker
    },
    async stop() {
      await command('down')
    },
    async start() {
      broker = await start()
    },
    async kill() {
      const { pid } = broker
      if (!pid || !isAlive(pid)) return
      process.kill(pid, 'SIGKILL')
      await until(() => !isAlive(pid), { what: `${name} to be gone` })
    },
    [Symbol.asyncDispose]: remove,
  }
}

function missing(name: BrokerName): string {
  return `${name} is not running: ${remedy}`
}

async function runningBroker(name: BrokerName): Promise<Broker | undefined> {
  const software = process.env.SLUICE_BROKERS_DIR ?? join(top, '.brokers')
  const broker = (await readState(process.env.SLUICE_BROKERS_RUN ?? software))[name]
  return broker?.pid && isAlive(broker.pid) ? broker : undefined
}

async function readState(folder: string): Promise<Partial<Record<BrokerName, Broker>>> {
  try {
    return JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

/** A process that has ended and waits for its parent, a zombie, is not alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const stat = `/proc/${pid}/stat`
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'))
}
