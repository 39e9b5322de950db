import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sentence } from '../../src/core/errors.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { mqttBroker } from './mqtt-cases.ts'
import { leave, plainClient, uniqueName } from './mqtt-fixture.ts'
import { endpoint, Opened } from './mqtt-opened.ts'

await describeOnBroker('mosquitto', 'MQTT over TLS', broker => {
  const { ports, username, password, host } = broker
  const { ca, cert, key } = broker.tls
  const place = (port: string, tls: object, scheme = 'mqtts') =>
    endpoint(
      { urls: [`${scheme}://${host}:${ports[port]}`], username, password, tls, connect_timeout: '3s' },
      { topic: uniqueName() },
      uniqueName(),
    )
  const says = (pattern: RegExp) => (error: unknown) => pattern.test(sentence(error))

  test('messages arrive over mqtts, ssl and mqtt+ssl', async () => {
    const producer = await plainClient(mqttBroker(broker), '3.1.1')
    for (const scheme of ['mqtts', 'ssl', 'mqtt+ssl']) {
      const at = place('mqtts', { ca_file: ca }, scheme)
      await using opened = await Opened.at(at)
      opened.grant(1)
      await producer.publishAsync(at.options.topic, scheme, { qos: 1 })
      await opened.came(1)
      assert.deepEqual(opened.ids, [scheme])
    }
    await leave(producer)
  })

  test('a certificate of an authority nobody trusts is refused', async () => {
    await assert.rejects(Opened.at(place('mqtts', {})), says(/mqtts:.*certificate/))
  })

  test('a certificate that names another host is refused', async () => {
    await assert.rejects(Opened.at(place('mqttsWrongName', { ca_file: ca })), says(/does not match|altnames/))
  })

  test('a broker that wants a client certificate gets it, and refuses a client without', async () => {
    await using opened = await Opened.at(
      place('mqttsClientCert', { ca_file: ca, cert_file: cert, key_file: key }),
    )
    assert.deepEqual(opened.notices, [])
    await assert.rejects(
      Opened.at(place('mqttsClientCert', { ca_file: ca })),
      says(/mqtts:.*(alert|certificate|closed|ECONN)/),
    )
  })

  test('plain MQTT to a port that speaks TLS fails in bounded time', async () => {
    await assert.rejects(Opened.at(place('mqtts', {}, 'mqtt')), says(/mqtt:/))
  })
})
