import rhea from 'rhea'
import type { startAmqpBroker } from './amqp-broker.ts'
import type { startCloud } from './cloud.ts'
import type { startMqttBroker } from './mqtt-broker.ts'
import type { openShop } from './shop.ts'

const customers = ['acme', 'bolt', 'crane', 'delta', 'ember', 'forge', 'gorge', 'heron']
const machines = ['press-1', 'press-2', 'oven-1', 'lathe-4', 'mixer-2']
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length]!

/** What a plant and its shop would send. Every message is different, so that each can be told to have arrived. */
export function createTraffic(
  amqp: Awaited<ReturnType<typeof startAmqpBroker>>,
  mqtt: Awaited<ReturnType<typeof startMqttBroker>>,
  cloud: Awaited<ReturnType<typeof startCloud>>,
  shop: Awaited<ReturnType<typeof openShop>>,
) {
  let made = 0
  let commanded = 0
  return {
    order() {
      const n = ++made
      amqp.put('ORDERS', {
        message_id: `ID:demo-${n}`,
        content_type: 'application/json',
        durable: true,
        application_properties: {
          customer: pick(customers, n),
          lines: rhea.types.wrap_int(1 + (n % 7)),
          express: n % 5 === 0,
        },
        body: JSON.stringify({ order: n, sku: `SKU-${1000 + (n % 50)}`, total: (n * 37) % 900 }),
      })
    },
    telemetry() {
      const n = ++made
      const reading = { seq: n, temperature: 60 + (n % 40), vibration: ((n * 13) % 100) / 100 }
      mqtt.put(`plant/${pick(machines, n)}/telemetry`, JSON.stringify(reading))
    },
    /** An order with a header that no SQS attribute can have as its name: a dead letter. */
    noise() {
      amqp.put('ORDERS', {
        message_id: `ID:demo-${++made}`,
        application_properties: { 'no name!': 1 },
        body: 'x',
      })
    },
    alarm() {
      const n = ++made
      mqtt.put(
        `plant/${pick(machines, n)}/alarm`,
        JSON.stringify({ alarm: n, text: 'temperature too high 🔥' }),
      )
    },
    /** The way back: the cloud tells machines what to do. */
    async commands(count: number) {
      await cloud.command(machines, count, commanded)
      commanded += count
    },
    question: () => shop.ask(),
  }
}
