import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadText } from '../../src/config/load.ts'
import { checkLinks } from '../../src/connect.ts'
import { describeOnBroker } from '../support/brokers.ts'

await describeOnBroker('mosquitto', 'MQTT', ({ host, ports, username, password }) => {
  test('trying the links takes no session from a running bridge', async () => {
    const { config } = loadText(
      'f.yaml',
      `
connections:
  plant: { protocol: mqtt, urls: ["mqtt://${host}:${ports.mqtt}"], username: ${username}, password: ${password} }
  here: { protocol: memory }
routes:
  trial-${process.pid}:
    from: { connection: plant, topic: trial/${process.pid} }
    targets: { main: { connection: here, queue: trial } }
    dead_letter: [{ connection: here, queue: trial-dead }]
`,
    )
    const [route] = config.routes
    const running = await route!.from.kind.open(route!.from.at, () => {}, {
      signal: new AbortController().signal,
      report: () => {},
    })
    let ended = false
    void running.closed.then(() => {
      ended = true
    })
    assert.deepEqual(
      (await checkLinks(config)).map(check => check.error),
      [undefined, undefined, undefined],
    )
    assert.equal(ended, false)
    await running.close()
  })
})
