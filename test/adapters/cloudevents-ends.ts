import assert from 'node:assert/strict'
import mqttPacket, { type IPublishPacket } from 'mqtt-packet'
import { decode as decodeAmqp } from '../../src/adapters/amqp10/codec.ts'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { decode as decodeMqtt } from '../../src/adapters/mqtt/codec.ts'
import { headOf } from '../../src/adapters/mqtt/encode.ts'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { restored } from '../../src/adapters/shared/carriage/restore.ts'
import { takenApart } from '../../src/adapters/shared/cloudevents/cloudevents.ts'
import type { Message } from '../../src/core/message.ts'
import { text, type Value } from '../../src/core/value.ts'
import { plain } from './promises/expect.ts'

/** What is written under `cloudevents:`. */
export interface Events {
  readonly mode?: 'binary' | 'structured'
  readonly source?: string
  readonly type?: string
}

const limits = { maxMessageSize: 10_000_000 }

/** A message as sources hand it over: named, and with where it came from. */
export const message = (more: Partial<Message> = {}): Message => ({
  address: 'out',
  origin: 'ORDERS',
  body: { kind: 'none' },
  headers: {},
  ...more,
  properties: { deduplicationId: 'delivery-1', ...more.properties },
})

export const strings = (headers: Readonly<Record<string, string>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)]))

/** The message as it is on the wire after a sink of AMQP 1.0, read without any option. */
export function overAmqp(sent: Message, cloudevents?: Events): Message {
  const at = {
    connection: amqp10.connection.parse({ urls: ['amqp://localhost'] }),
    connectionName: 'mq',
    route: 'orders',
    options: amqp10.sink!.options.parse({
      queue: 'out',
      format: 'cloudevents',
      ...(cloudevents && { cloudevents }),
    }),
  }
  return decodeAmqp(amqp10.sink!.prepare(at, limits, sent).bytes, 'out', 0).message
}

/** The packet of MQTT as MQTT.js reads it. */
export function mqttPacketOf(sent: Message, cloudevents?: Events, version: '3.1.1' | 5 = 5): IPublishPacket {
  const at = {
    connection: mqtt.connection.parse({ urls: ['mqtt://localhost'], version }),
    connectionName: 'plant',
    route: 'orders',
    options: mqtt.sink!.options.parse({
      topic: 'out',
      format: 'cloudevents',
      ...(cloudevents && { cloudevents }),
    }),
  }
  const prepared = mqtt.sink!.prepare(at, limits, sent)
  const packets: IPublishPacket[] = []
  const parser = mqttPacket.parser({ protocolVersion: version === 5 ? 5 : 4 })
  parser.on('packet', packet => packets.push(packet as IPublishPacket))
  parser.on('error', error => assert.fail(error))
  parser.parse(Buffer.concat([headOf(prepared, 7), prepared.body]))
  return packets[0]!
}

export const overMqtt = (sent: Message, cloudevents?: Events, version: '3.1.1' | 5 = 5): Message =>
  decodeMqtt(mqttPacketOf(sent, cloudevents, version))

/** As a source with `format: cloudevents` hands it over. */
export function apart(read: Message, implied = false): Message {
  const { message: taken, fault } = takenApart(restored(read), implied)
  if (fault) throw fault
  return taken
}

/** The body as text, whatever its kind. */
export function textIn({ body }: Message): string {
  if (body.kind === 'text') return body.text
  assert.equal(body.kind, 'bytes')
  return Buffer.from((body as { bytes: Uint8Array }).bytes).toString()
}

export const jsonIn = (read: Message): Record<string, unknown> => JSON.parse(textIn(read))

/** Headers for a comparison, without what Sluice notes for itself. */
export function headersIn({ headers }: Message): unknown {
  const { sluice_properties: _, ...rest } = headers
  return plain(rest)
}
