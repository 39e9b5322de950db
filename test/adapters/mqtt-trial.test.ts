import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { loadText } from '../../src/config/load.ts'
import { checkLinks } from '../../src/connect.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { endpoint } from './mqtt-opened.ts'
import { polite, ScriptedBroker } from './mqtt-scripted.ts'

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

test('a trial has a clean session of its own and joins no group of a shared subscription', async () => {
  await using broker = await ScriptedBroker.listen(4, polite)
  const at = endpoint({ urls: [`mqtt://127.0.0.1:${broker.port}`] }, { topic: 'a/b', share: 'group' })
  const link = await mqtt.source!.open(at, () => {}, {
    signal: new AbortController().signal,
    trial: true,
    report: () => {},
  })
  await link.close()
  const [connect, subscribe] = broker.last.heard
  assert.ok(connect?.cmd === 'connect' && subscribe?.cmd === 'subscribe')
  assert.match(connect.clientId, /^sluice-test-route-trial-/)
  assert.equal(connect.clean, true)
  assert.deepEqual(
    subscribe.subscriptions.map(s => s.topic),
    ['a/b'],
  )
})
