import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { artemis } from './amqp10-brokers.ts'
import { amqp10Fixture } from './amqp10-client.ts'
import { amqp10Examples } from './amqp10-examples.ts'
import { sourceConformance } from './conformance.ts'
import { Consumer, parse } from './consumer.ts'
import { says } from './promises/expect.ts'

await describeOnBroker('artemis', 'amqp10', broker => {
  sourceConformance({
    title: 'amqp10',
    adapter: amqp10,
    examples: amqp10Examples.map(e => e.title),
    skip: { missing: 'Artemis makes a queue as soon as somebody reads it' },
    fixture: async () => amqp10Fixture(await artemis(broker), amqp10Examples),
  })

  const over = (port: string, tls: object) =>
    parse(amqp10, 'tls', {
      connection: {
        urls: [`amqps://localhost:${broker.ports[port]}`],
        username: broker.username,
        password: broker.password,
        tls,
      },
      source: { queue: 'amqp10-tls' },
    })
  const open = (port: string, tls: object) => Consumer.open(amqp10, over(port, tls))
  const { ca, cert, key } = broker.tls

  test('opens over TLS with the authority of the broker', async () => {
    await (await open('amqps', { ca_file: ca })).source.close()
  })

  test('shows its certificate where the broker asks for one', async () => {
    const mutual = { ca_file: ca, cert_file: cert, key_file: key }
    await (await open('amqpsClientCert', mutual)).source.close()
    await assert.rejects(open('amqpsClientCert', { ca_file: ca }), says(/amqps:\/\/localhost:\d+/))
  })

  test('refuses a certificate of another name, and says so', async () => {
    await assert.rejects(open('amqpsWrongName', { ca_file: ca }), says(/amqps:.*does not match.*altnames/))
  })

  test('refuses a certificate of an authority it does not know, and says so', async () => {
    await assert.rejects(open('amqps', {}), says(/amqps:.*certificate/))
  })
})
