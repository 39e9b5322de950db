import { isUtf8 } from 'node:buffer'
import type { IPublishPacket } from 'mqtt'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import { text, type Value } from '../../core/value.ts'

/**
 * A PUBLISH as a message. The body stays bytes as it came, unless its sender declared it text (MQTT 5, 3.3.2.3.2) and
 * it is. A message of MQTT 3.1.1 has neither headers nor properties. Takes whatever the parser lets through.
 */
export function decode(packet: IPublishPacket): Message {
  return {
    address: packet.topic,
    body: body(packet),
    properties: properties(packet),
    headers: headers(packet.properties?.userProperties),
  }
}

/** Bytes on the wire, nearly. */
export function sizeOf(packet: IPublishPacket): number {
  return packet.length ?? packet.payload.length + packet.topic.length
}

function body({ payload, properties: said }: IPublishPacket): Body {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
  // mqtt-packet reads the indicator as a boolean.
  const isText = Boolean(said?.payloadFormatIndicator) && isUtf8(bytes)
  return isText ? { kind: 'text', text: bytes.toString('utf8') } : { kind: 'bytes', bytes }
}

function properties({ qos, retain, properties: said }: IPublishPacket): Properties {
  return {
    durable: qos > 0,
    ...(retain && { retained: true }),
    ...(said?.correlationData && {
      correlationId: { type: 'bytes', value: said.correlationData },
    }),
    ...(said?.responseTopic && { replyTo: said.responseTopic }),
    ...(said?.contentType && { contentType: said.contentType }),
    ...(said?.messageExpiryInterval !== undefined && {
      expiresAt: Date.now() + said.messageExpiryInterval * 1000,
    }),
  }
}

/** mqtt-packet 9 gives null for a text that is longer than what is left of its packet. */
type Said = string | null

/** A name that is there several times is one header: the list of its values. */
function headers(said: Readonly<Record<string, Said | readonly Said[]>> | undefined): Headers {
  if (said === undefined) return {}
  const known = (value: Said): Value => text(value ?? '')
  const entries = Object.entries(said).map(([name, value]): [string, Value] => [
    name,
    value === null || typeof value === 'string' ? known(value) : { type: 'list', value: value.map(known) },
  ])
  return Object.fromEntries(entries)
}
