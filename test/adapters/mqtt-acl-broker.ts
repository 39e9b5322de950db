import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Broker, findBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import type { MqttBroker } from './mqtt-fixture.ts'
import { freePort } from './promises/expect.ts'

export interface AclBroker extends AsyncDisposable {
  readonly broker: MqttBroker
  /** Who may publish to all topics but those that begin with `forbidden/`. */
  readonly login: { readonly username: string; readonly password: string }
}

/** A Mosquitto of the test's own, with an access list; undefined where there is none. */
export async function mosquittoWithAcl(): Promise<AclBroker | undefined> {
  if (!(await findBroker('mosquitto'))?.pid) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'sluice-acl-'))
  const port = await freePort()
  const file = (name: string) => join(folder, name)
  await writeFile(file('acl'), 'user anybody\ntopic deny forbidden/#\ntopic readwrite #\n', { mode: 0o644 })
  const lines = ['user root', 'allow_anonymous true', `acl_file ${file('acl')}`, `listener ${port} 127.0.0.1`]
  await writeFile(file('mosquitto.conf'), `${lines.join('\n')}\n`)
  const path = `${process.env.PATH}:/usr/sbin`
  const child = spawn('mosquitto', ['-c', file('mosquitto.conf')], {
    stdio: 'ignore',
    env: { ...process.env, PATH: path },
  })
  await until(() => answers(port), { what: 'Mosquitto to answer' })
  return {
    broker: { host: '127.0.0.1', port, username: 'anybody', password: '' },
    login: { username: 'anybody', password: '' },
    async [Symbol.asyncDispose]() {
      child.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

/** A user of RabbitMQ who may not publish everywhere. */
export async function rabbitUser({ host, ports, username, password }: Broker): Promise<AclBroker> {
  const name = `acl-${process.pid}`
  const login = { username: name, password: 'secret' }
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const call = async (method: string, path: string, body?: object) => {
    const url = `http://${host}:${ports.http}/api/${path}`
    const headers = { authorization, 'content-type': 'application/json' }
    const answer = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  }
  await call('PUT', `users/${name}`, { password: login.password, tags: '' })
  await call('PUT', `permissions/%2F/${name}`, { configure: '.*', write: '.*', read: '.*' })
  await call('PUT', `topic-permissions/%2F/${name}`, {
    exchange: 'amq.topic',
    write: '^(?!forbidden)',
    read: '.*',
  })
  return {
    broker: { host, port: ports.mqtt!, username, password },
    login,
    [Symbol.asyncDispose]: () => call('DELETE', `users/${name}`),
  }
}
