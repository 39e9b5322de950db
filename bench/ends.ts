import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker } from '../test/support/brokers.ts'

/** The keys of a connection to a broker of the tests; `via` is the port of a proxy before it. */
export const brokerConnection = (
  { host, ports, username, password }: Broker,
  scheme: 'amqp' | 'mqtt',
  via = ports[scheme],
) => ({ urls: [`${scheme}://${host}:${via}`], username, password })

/** A connection to a stand-in for SQS. */
export const cloud = (url: string) => ({
  protocol: 'sqs',
  endpoint: url,
  region: 'eu-west-1',
  access_key_id: 'x',
  secret_access_key: 'y',
})

export const dead = [{ folder: join(tmpdir(), 'sluice-bench-dead') }]

export const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
