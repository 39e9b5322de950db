import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from '../../src/core/value.ts'
import { amqp10Client } from '../../test/matrix/clients/amqp10.ts'
import { runBridge } from '../../test/support/bridge-process.ts'
import { type Broker, withBroker } from '../../test/support/brokers.ts'
import { until } from '../../test/support/until.ts'
import { rabbitEnd } from '../ends/amqp091.ts'
import { mqttEnd } from '../ends/mqtt.ts'
import { stompEnd } from '../ends/stomp.ts'

/**
 * Records what brokers say to the bridge, as it stands on the wire, into test/chaos/captures: one file a protocol, all
 * that came on its first connections. The fuzzing changes these bytes.
 */
const folder = join(import.meta.dirname, '../../test/chaos/captures')
mkdirSync(folder, { recursive: true })
const messages = Array.from({ length: 6 }, (_, number) => ({
  number,
  group: `g${number % 2} ü`,
  place: number,
}))

/** The bridge reads `place` of a broker through a relay that keeps what the broker says. */
async function record(
  name: string,
  { host, port }: { host: string; port: number },
  { connection, from }: { connection: (via: { host: string; port: number }) => object; from: object },
  send: () => Promise<void>,
  count: number,
): Promise<void> {
  const heard: Buffer[] = []
  const relay = createServer(client => {
    const server = connect(port, host)
    server.on('data', chunk => heard.push(chunk))
    client
      .on('error', () => {})
      .pipe(server.on('error', () => {}))
      .pipe(client)
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const ends: (() => unknown)[] = []
  const bridge = await runBridge(
    { after: end => void ends.push(end as () => unknown) },
    {
      connections: {
        from: connection({ host: '127.0.0.1', port: (relay.address() as AddressInfo).port }),
        to: { protocol: 'memory' },
      },
      routes: {
        record: {
          from: { connection: 'from', ...from },
          targets: { main: { connection: 'to', queue: 'out' } },
          dead_letter: [{ folder: '/dev/null/never' }],
        },
      },
    },
  )
  await bridge.connected()
  await send()
  await until(async () => (await bridge.metric('sluice_messages_settled_total')) >= count, { what: name })
  await bridge.stop()
  for (const end of ends) await end()
  relay.close()
  writeFileSync(join(folder, `${name}.bin`), Buffer.concat(heard))
  process.stdout.write(`${name}: ${Buffer.concat(heard).length} bytes\n`)
}

const place = `record-${process.pid}`
const at = ({ host, ports }: Broker, port: string) => ({ host, port: ports[port]! })
const [rabbit, artemis, activemq, mosquitto] = await Promise.all([
  withBroker('rabbitmq4'),
  withBroker('artemis'),
  withBroker('activemq'),
  withBroker('mosquitto'),
])

const r = rabbitEnd(rabbit, { protocol: 'amqp091', scheme: 'amqp', port: 'amqp' }, '')
await r.make(place)
await record(
  'amqp091',
  at(rabbit, 'amqp'),
  { connection: via => r.connection(via), from: r.from(place, false) },
  () => r.send(place, messages),
  6,
)
await r.close()

const s = stompEnd(activemq, '')
await record(
  'stomp',
  at(activemq, 'stomp'),
  { connection: via => s.connection(via), from: s.from(place, false) },
  () => s.send(place, messages),
  6,
)
await s.close()

const m = mqttEnd(mosquitto, '')
await record(
  'mqtt',
  at(mosquitto, 'mqtt'),
  { connection: via => m.connection(via), from: m.from(place, false) },
  () => m.send(place, messages),
  6,
)
await m.close()

const a = await amqp10Client(artemis, queue => ({ address: queue, capabilities: 'queue' }))
const headers = {
  long: { type: 'int64', value: 2n ** 60n },
  ratio: { type: 'float64', value: 0.1 },
  on: { type: 'bool', value: true },
  id: { type: 'uuid', value: '00010203-0405-0607-0809-0a0b0c0d0e0f' },
  name: text('Grüße 😀'),
} as const
const bodies = [
  { kind: 'text', text: 'a text' },
  { kind: 'bytes', bytes: Buffer.from('bytes') },
  { kind: 'map', entries: [[text('k'), { type: 'list', value: [text('v'), { type: 'null' }] }]] },
  {
    kind: 'list',
    items: [
      { type: 'int32', value: 5 },
      { type: 'timestamp', value: 1_700_000_000_000 },
    ],
  },
] as const
const specimens = bodies.map((body, i) => ({
  id: String(i),
  headers,
  properties: {
    messageId: text(`m${i}`),
    subject: 's',
    groupId: 'g',
    priority: 7,
    contentType: 'text/plain',
  },
  body,
}))
await record(
  'amqp10',
  at(artemis, 'amqp'),
  {
    connection: via => ({ ...a.connection, urls: [`amqp://${via.host}:${via.port}`] }),
    from: a.source(place),
  },
  () => a.send(place, specimens as never),
  4,
)
await a.close()
