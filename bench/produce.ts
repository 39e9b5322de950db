import { once } from 'node:events'
import mqtt from 'mqtt'
import rhea from 'rhea'
import type { Broker } from '../test/support/brokers.ts'

const kibibyte = Buffer.alloc(1_024, 'x')

/** A durable queue of its own on RabbitMQ, over the management API; deleted with `drop`. */
export async function createQueue(broker: Broker, name: string) {
  const url = `http://${broker.host}:${broker.ports.http}/api/queues/%2F/${name}`
  const authorization = `Basic ${Buffer.from(`${broker.username}:${broker.password}`).toString('base64')}`
  const ask = async (method: string, sent?: object) => {
    const headers = { authorization, 'content-type': 'application/json' }
    const response = await fetch(url, { method, headers, ...(sent && { body: JSON.stringify(sent) }) })
    if (!response.ok)
      throw new Error(`${method} of queue ${name}: ${response.status} ${await response.text()}`)
  }
  await ask('PUT', { durable: true, arguments: { 'x-queue-type': 'classic' } })
  return { drop: () => ask('DELETE') }
}

/** Sends so many messages with three headers over AMQP 1.0; resolves when the broker has confirmed all. */
export async function produceAmqp(
  broker: Broker,
  queue: string,
  count: number,
  body = kibibyte,
): Promise<void> {
  const { host, ports, username, password } = broker
  const connection = rhea.connect({ host, port: ports.amqp!, username, password, reconnect: false })
  const sender = connection.open_sender({ target: { address: `/queues/${queue}` } })
  let sent = 0
  let confirmed = 0
  await new Promise<void>((resolve, reject) => {
    sender.on('sendable', () => {
      while (sent < count && sender.sendable()) {
        const application_properties = {
          kind: 'order',
          attempt: rhea.types.wrap_int(1),
          number: rhea.types.wrap_long(sent++),
        }
        sender.send({ durable: true, application_properties, body: rhea.message.data_section(body) })
      }
    })
    sender.on('accepted', () => ++confirmed === count && resolve())
    connection.on('disconnected', () => reject(new Error('the connection to the broker was lost')))
    sender.on('sender_error', () => reject(new Error(String(sender.error))))
  })
  connection.removeAllListeners('disconnected')
  connection.close()
}

/** Sends at a steady rate over AMQP 1.0 with the time in the header `sent_at`. */
export async function paceAmqp(
  broker: Broker,
  queue: string,
  rate: number,
  seconds: number,
): Promise<number> {
  const { host, ports, username, password } = broker
  const connection = rhea.connect({ host, port: ports.amqp!, username, password, reconnect: false })
  const sender = connection.open_sender({ target: { address: `/queues/${queue}` } })
  await once(sender, 'sendable')
  let number = 0
  const sent = await pace(rate, seconds, () => {
    const application_properties = {
      kind: 'order',
      attempt: rhea.types.wrap_int(1),
      number: rhea.types.wrap_long(number++),
      sent_at: String(Date.now()),
    }
    sender.send({ durable: true, application_properties, body: rhea.message.data_section(kibibyte) })
  })
  connection.close()
  return sent
}

/**
 * Publishes 1 KiB messages with three headers over MQTT 5, QoS 1, as fast as the bridge takes them: never more than
 * `window` beyond what `confirmed` says, since the broker drops what it cannot queue.
 */
export async function publish(
  broker: Broker,
  topic: string,
  count: number,
  window: number,
  confirmed: () => Promise<number>,
): Promise<void> {
  const { host, ports, username, password } = broker
  const client = await mqtt.connectAsync({ host, port: ports.mqtt!, username, password, protocolVersion: 5 })
  for (let sent = 0; sent < count; ) {
    const due = Math.min(count, (await confirmed()) + window)
    for (; sent < due; sent++) {
      const userProperties = { kind: 'reading', attempt: '1', sent_at: String(Date.now()) }
      client.publish(topic, kibibyte, { qos: 1, properties: { userProperties } })
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  await client.endAsync()
}

async function pace(rate: number, seconds: number, send: () => void): Promise<number> {
  const began = performance.now()
  let sent = 0
  while (sent < rate * seconds) {
    const due = Math.min(rate * seconds, ((performance.now() - began) / 1000) * rate)
    for (; sent < due; sent++) send()
    await new Promise(resolve => setTimeout(resolve, 5))
  }
  return sent
}
