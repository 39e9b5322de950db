import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { inspect } from 'node:util'
import { stringify } from 'yaml'
import { Secret } from '../../src/core/secret.ts'
import { watch } from '../support/bridge-process.ts'
import { findBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'

const canary = 'canary-7f3a9c'
const secret = (kind: string): string => `${canary}-${kind}-0123456789`
const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'))
after(() => rmSync(folder, { recursive: true }))
const main = join(import.meta.dirname, '../../src/main.ts')

const silent = (where: string, text: string): void => {
  const at = text.indexOf(canary)
  assert.equal(at, -1, `${where} tells a secret: ${text.slice(Math.max(0, at - 200), at + 60)}`)
}

const connection = (protocol: string, url: string) => ({
  protocol,
  urls: [url],
  username: 'nobody',
  password: `\${env:CANARY_${protocol.toUpperCase()}}`,
})

const route = (from: object, disk?: object) => ({
  from,
  targets: { main: { connection: 'cloud', queue: 'orders' } },
  dead_letter: [{ folder: join(folder, 'dead') }],
  ...(disk && { buffer: { disk } }),
})

/** Every kind of secret there is, and brokers that refuse them. */
async function configured(): Promise<{ readonly file: string; readonly env: NodeJS.ProcessEnv }> {
  const connections: Record<string, object> = {
    cloud: {
      protocol: 'sqs',
      region: 'eu-west-1',
      endpoint: 'http://127.0.0.1:1',
      access_key_id: 'AKIAEXAMPLE',
      secret_access_key: '${env:CANARY_AWS}',
    },
    here: { protocol: 'memory' },
  }
  const routes: Record<string, object> = {
    disk: route(
      { connection: 'here', queue: 'in' },
      { path: join(folder, 'disk'), max_bytes: '1GiB', key: '${env:CANARY_DISK}' },
    ),
  }
  for (const [name, protocol, scheme, port] of [
    ['rabbitmq4', 'amqp091', 'amqp', 'amqp'],
    ['activemq', 'amqp10', 'amqp', 'amqp'],
    ['activemq', 'stomp', 'stomp', 'stomp'],
    ['mosquitto', 'mqtt', 'mqtt', 'mqtt'],
  ] as const) {
    const broker = await findBroker(name)
    const url = `${scheme}://127.0.0.1:${broker?.ports[port] ?? 1}`
    connections[protocol] = connection(protocol, url)
    routes[protocol] = route({ connection: protocol, [protocol === 'mqtt' ? 'topic' : 'queue']: 'in' })
  }
  const file = join(folder, 'sluice.yaml')
  const keys = [{ id: 'k1', secret: '${file:REPLY}' }]
  writeFileSync(join(folder, 'reply'), secret('reply'))
  writeFileSync(
    file,
    stringify({
      connections,
      routes,
      request_reply: { keys, reply_to_allow: ['*'] },
      admin: { port: 0, token: '${env:CANARY_ADMIN}' },
      log_level: 'debug',
    }).replace('REPLY', join(folder, 'reply')),
  )
  const env: NodeJS.ProcessEnv = { ...process.env }
  for (const kind of ['amqp091', 'amqp10', 'stomp', 'mqtt', 'aws', 'admin'])
    env[`CANARY_${kind.toUpperCase()}`] = secret(kind)
  env.CANARY_DISK = Buffer.from(secret('disk').padEnd(32, 'x')).toString('base64')
  return { file, env }
}

describe('secrets', () => {
  it('are *** wherever an object is shown', () => {
    const value = new Secret(secret('object'))
    const holder = Object.assign(new Error('x', { cause: { value } }), { value })
    for (const shown of [
      `${value}`,
      JSON.stringify({ value }),
      inspect(holder, { depth: 9, showHidden: true }),
      String([value]),
    ]) {
      silent('an object', shown)
      assert.match(shown, /\*\*\*/)
    }
  })

  it('are not in the log at any level, metrics, status, the answers of commands or crash reports', async t => {
    const { file, env } = await configured()
    const diskKey = env.CANARY_DISK!
    const quiet = (where: string, text: string) => {
      silent(where, text)
      assert.ok(!text.includes(diskKey), `${where} tells the key of the disk`)
    }
    const { child, out, err } = watch(
      t,
      spawn(process.execPath, ['--report-on-signal', `--report-directory=${folder}`, main, 'run', file], {
        env,
      }),
    )
    await until(() => (out().match(/"link":"source".*?(not connected)/g) ?? []).length >= 4, {
      what: 'four sources refused',
      timeout: 30_000,
    })
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out())![0]
    for (const path of ['/metrics', '/readyz?strict', '/healthz'])
      quiet(path, await (await fetch(url + path)).text())
    child.kill('SIGUSR2')
    const report = await until(() => readdirSync(folder).find(name => name.startsWith('report.')), {
      what: 'a report',
    })
    await until(() => readFileSync(join(folder, report), 'utf8').trimEnd().endsWith('}'), {
      what: 'all of the report',
    })
    quiet('the report of a crash', readFileSync(join(folder, report), 'utf8'))
    quiet('the log', out() + err())
    child.kill('SIGKILL')
    for (const args of [
      ['validate', file, '--print'],
      ['validate', file, '--connect'],
      ['test', file],
      ['explain', file, '--route', 'disk', '--peek'],
      ['dead-letter', 'list', file],
    ]) {
      const done = spawnSync(process.execPath, [main, ...args], { env, encoding: 'utf8', timeout: 60_000 })
      quiet(args.join(' '), done.stdout + done.stderr)
    }
  })

  it('are not told of a configuration that is wrong', () => {
    const file = join(folder, 'wrong.yaml')
    const wrong = {
      connections: {
        url: { protocol: 'amqp10', urls: [`amqp://user:${secret('url')}@host`] },
        list: { protocol: 'stomp', urls: ['stomp://h'], username: 'u', password: [secret('list')] },
        env: { protocol: 'stomp', urls: ['stomp://h'], username: 'u', pasword: '${env:CANARY_X}' },
      },
      routes: {},
      admin: { port: '${env:CANARY_X}', token: canary },
    }
    writeFileSync(file, stringify(wrong))
    const env = { ...process.env, CANARY_X: secret('typo') }
    const done = spawnSync(process.execPath, [main, 'validate', file], { env, encoding: 'utf8' })
    assert.equal(done.status, 2)
    assert.match(done.stderr, /URL without credentials/)
    assert.match(done.stderr, /too short/)
    silent('validate', done.stdout + done.stderr)
  })
})
