import type { IClientPublishOptions, IPublishPacket } from 'mqtt'
import { connectionTo, plainClient, type Version } from '../../adapters/mqtt-fixture.ts'
import type { Broker } from '../../support/brokers.ts'
import { expiry, type Specimen, specimenName } from '../aspects.ts'
import { octets, quoted } from '../show.ts'
import { type Client, type Seen, withCarried } from './client.ts'

/** MQTT by MQTT.js. Every specimen has a topic of its own below the place, by which 3.1.1 knows it. */
export async function mqttClient(
  { host, ports, username, password }: Broker,
  version: Version,
): Promise<Client> {
  const at = { host, port: ports.mqtt!, username, password }
  const client = await plainClient(at, version)
  return {
    connection: { protocol: 'mqtt', ...connectionTo(at, version) },
    source: place => ({ topic: `${place}/#`, session_expiry: '10m' }),
    sink: place => ({ topic: `${place}/\${headers.${specimenName}}` }),
    make: async () => {},
    async receive(place, seen) {
      client.on('message', (topic, _, packet) => {
        if (topic.startsWith(`${place}/`)) seen(readPacket(packet))
      })
      await client.subscribeAsync(`${place}/#`, { qos: 1 })
    },
    async send(place, specimens) {
      for (const specimen of specimens) {
        await client.publishAsync(`${place}/${specimen.id}`, bodyOf(specimen), optionsOf(specimen, version))
      }
    },
    close: async () => void (await client.endAsync()),
  }
}

function bodyOf({ body }: Specimen): Buffer {
  if (body.kind === 'text') return Buffer.from(body.text)
  if (body.kind === 'bytes') return Buffer.from(body.bytes)
  throw new Error(`MQTT has no body of ${body.kind}`)
}

function optionsOf({ id, body, headers, properties: p }: Specimen, version: Version): IClientPublishOptions {
  if (version !== 5) return { qos: 1 }
  const { correlationId } = p
  const userProperties = Object.entries(headers).map(([name, value]) => {
    if (value.type !== 'string') throw new Error(`MQTT has no ${value.type}`)
    return [name, value.value]
  })
  return {
    qos: p.durable === false ? 0 : 1,
    properties: {
      ...(body.kind === 'text' && { payloadFormatIndicator: true }),
      ...(correlationId?.type === 'bytes' && { correlationData: Buffer.from(correlationId.value) }),
      ...(p.replyTo !== undefined && { responseTopic: p.replyTo }),
      ...(p.contentType !== undefined && { contentType: p.contentType }),
      ...(p.expiresAt !== undefined && {
        messageExpiryInterval: Math.round((p.expiresAt - Date.now()) / 1000),
      }),
      userProperties: { [specimenName]: id, ...Object.fromEntries(userProperties) },
    },
  }
}

function readPacket({ topic, payload, qos, properties: said = {} }: IPublishPacket): Seen {
  const headers = { ...said.userProperties } as Record<string, string>
  const { correlationData, responseTopic, contentType, messageExpiryInterval } = said
  const own = {
    durable: `QoS ${qos}`,
    correlationId: correlationData && `Correlation Data ${octets(correlationData)}`,
    replyTo: responseTopic && `Response Topic ${quoted(responseTopic)}`,
    contentType: contentType && `Content Type ${quoted(contentType)}`,
    expiresAt:
      messageExpiryInterval === undefined ? undefined : expiryWords('Message Expiry', messageExpiryInterval),
  }
  const bytes = Buffer.from(payload)
  return {
    specimen: topic.slice(topic.lastIndexOf('/') + 1),
    body: said.payloadFormatIndicator ? `text ${octets(bytes)}` : octets(bytes),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(quoted).join(', ') : quoted(value),
      ]),
    ),
    properties: withCarried(own, headers.sluice_properties),
  }
}

const expiryWords = (field: string, seconds: number) =>
  Math.abs(Date.now() + seconds * 1000 - expiry) < 20_000 ? field : `${field} ${seconds}`
