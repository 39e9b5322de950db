import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { runBridge } from '../support/bridge-process.ts'
import type { Broker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { awsConnection, deadFolder, quick } from './setting.ts'

export const unique = (what: string) => `jms-${what}-${randomUUID().slice(0, 8)}`

/** What signs the tokens of these bridges. */
export const key = { id: 'k1', secret: 'the secret of these tests' }

/** Where requesters in the cloud may wait for answers. */
export const cloudAnswers = 'answers'

/** A broker to which JMS applications speak OpenWire and the bridge AMQP 1.0. */
export interface Manner {
  readonly name: 'activemq' | 'artemis'
  readonly port: string
  /** The addresses of temporary queues over AMQP, and that of a queue. */
  readonly temporary: string
  queue(name: string): string
}

/** Through the connector that makes JMS messages of what comes: by default ActiveMQ keeps it as bytes. */
export const activemq: Manner = {
  name: 'activemq',
  port: 'amqpJms',
  temporary: 'temp-queue://*',
  queue: name => `queue://${name}`,
}

export const artemis: Manner = { name: 'artemis', port: 'amqp', temporary: 'ID:*', queue: name => name }

function amqp10({ name, host, ports, username, password }: Broker, { port }: Manner) {
  const again = `scripts/brokers down ${name} && scripts/brokers up ${name}`
  assert.ok(ports[port], `${name} was started before it had the port ${port}: ${again}`)
  return { protocol: 'amqp10', urls: [`amqp://${host}:${ports[port]}`], username, password }
}

/** A bridge between the broker and the cloud with these routes. */
export async function bridgeOf(t: TestContext, aws: TestAws, broker: Broker, manner: Manner, routes: object) {
  const dead = deadFolder(t)
  const bridge = await runBridge(t, {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: { broker: amqp10(broker, manner), cloud: awsConnection('sqs', aws, true) },
    request_reply: { keys: [key], reply_to_allow: [manner.temporary, `jms-${cloudAnswers}-*`] },
    routes,
  })
  await bridge.connected()
  return { bridge, letters: dead.letters }
}
