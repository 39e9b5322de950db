import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { Broker } from './brokers.ts'

/** In the environment of a node that runs natively and not in a root of its own, as RabbitMQ 3 does. */
export async function rabbitmqctl({ pid }: Broker, ...command: readonly string[]): Promise<void> {
  const lines = (await readFile(`/proc/${pid}/environ`, 'utf8'))
    .split('\0')
    .filter(line => line.includes('='))
  const env = Object.fromEntries(lines.map(line => line.split(/=(.*)/s).slice(0, 2)))
  await promisify(execFile)('/usr/lib/rabbitmq/bin/rabbitmqctl', command, { env })
}
