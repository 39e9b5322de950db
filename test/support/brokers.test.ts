import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type BrokerName, describeOnBroker, startOwnBroker, withBroker } from './brokers.ts'

const names: readonly BrokerName[] = ['activemq', 'artemis', 'rabbitmq3', 'rabbitmq4', 'mosquitto']

for (const name of names) {
  await describeOnBroker(name, 'addresses', broker => {
    test('every port accepts a connection', async () => {
      for (const [port, number] of Object.entries(broker.ports)) {
        const socket = connect(number, broker.host)
        await once(socket, 'connect').catch(cause => {
          throw new Error(`${port} of ${name}`, { cause })
        })
        socket.destroy()
      }
    })

    for (const port of Object.keys(broker.ports).filter(port => /^(amqp|mqtt|stomp)s/.test(port))) {
      const isWrong = port.endsWith('WrongName')
      test(`${port} shows a certificate ${isWrong ? 'with a wrong name' : 'of the CA for localhost'}`, async () => {
        const [ca, cert, key] = await Promise.all(
          [broker.tls.ca, broker.tls.cert, broker.tls.key].map(file => readFile(file)),
        )
        const socket: TLSSocket = connectTls({
          port: broker.ports[port]!,
          host: broker.host,
          servername: 'localhost',
          ca: ca!,
          cert: cert!,
          key: key!,
        })
        const shown = once(socket, 'secureConnect')
        if (isWrong) await assert.rejects(shown, { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
        else await shown
        socket.destroy()
      })
    }
  })
}

describe('a suite whose broker is missing', () => {
  const runSuite = async (required: string) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-no-brokers-'))
    const file = join(folder, 'suite.test.ts')
    const module = join(import.meta.dirname, 'brokers.ts')
    await writeFile(
      file,
      `import { test } from 'node:test'
       import { describeOnBroker } from ${JSON.stringify(module)}
       await describeOnBroker('activemq', 'the suite', () => { test('runs', () => {}) })`,
    )
    const { NODE_TEST_CONTEXT: _context, ...env } = process.env
    const output = await new Promise<string>(resolve =>
      execFile(
        process.execPath,
        ['--test', '--test-reporter=tap', file],
        {
          env: {
            ...env,
            SLUICE_BROKERS: 'native',
            SLUICE_BROKERS_DIR: folder,
            SLUICE_REQUIRE_BROKERS: required,
          },
        },
        (_error, stdout) => resolve(stdout),
      ),
    )
    await rm(folder, { recursive: true })
    return output
  }

  test('is skipped by name with the command that would bring it', async () => {
    const output = await runSuite('')
    assert.match(output, /the suite on activemq/)
    assert.match(output, /activemq is not running: scripts\/brokers install && scripts\/brokers up # SKIP/)
    assert.match(output, /# skipped 1\n/)
    assert.match(output, /# fail 0\n/)
  })

  test('fails when SLUICE_REQUIRE_BROKERS=1', async () => {
    assert.match(await runSuite('1'), /# fail 1\n/)
  })
})

await describeOnBroker('mosquitto', 'a broker of its own', shared => {
  test('stops and starts on the same ports, apart from the shared one', async () => {
    await using own = await startOwnBroker('mosquitto')
    const { mqtt } = own.broker.ports
    assert.notEqual(mqtt, shared.ports.mqtt)
    await own.stop()
    await assert.rejects(once(connect(mqtt!, '127.0.0.1'), 'connect'), { code: 'ECONNREFUSED' })
    await own.start()
    assert.equal(own.broker.ports.mqtt, mqtt)
    const { pid } = own.broker
    await own.kill()
    await own.start()
    assert.notEqual(own.broker.pid, pid)
    assert.equal(own.broker.ports.mqtt, mqtt)
    assert.equal((await withBroker('mosquitto')).ports.mqtt, shared.ports.mqtt)
  })
})
