import type { Limits, Shown, ShownField } from '../../core/adapter.ts'
import { headOf, largestPacket, type MqttPrepared } from './encode.ts'
import { isHeaderless, type SinkAt } from './options.ts'

export const usualLimits = (): Limits => ({ maxMessageSize: largestPacket })

/** The PUBLISH packet: its flags, the properties of MQTT 5, and the user properties, which have no types. */
export function show(at: SinkAt, prepared: MqttPrepared): Shown {
  const { topic, body, idAt } = prepared
  const head = headOf(prepared, 0)
  const flags = head[0]!
  const fields: ShownField[] = [
    { name: 'qos', value: String((flags >> 1) & 3) },
    { name: 'retain', value: String((flags & 1) === 1) },
  ]
  if (!isHeaderless(at)) {
    const before = topicEnd(head) + (idAt === undefined ? 0 : 2)
    fields.push(...propertiesOf(head, past(head, before)))
  }
  return { address: topic, body, fields }
}

/** Where the topic ends, which stands behind the length of the packet. */
function topicEnd(head: Buffer): number {
  const at = past(head, 1)
  return at + 2 + head.readUInt16BE(at)
}

/** Behind the Variable Byte Integer (MQTT 5, 1.5.5) that begins here. */
function past(head: Buffer, from: number): number {
  let at = from
  while ((head[at]! & 0x80) !== 0) at++
  return at + 1
}

/** Names of MQTT 5, 2.2.2.2, for the properties that `propertyBytes` writes. */
const names: Readonly<Record<number, string>> = {
  3: 'content-type',
  8: 'response-topic',
}

function propertiesOf(head: Buffer, from: number): readonly ShownField[] {
  const fields: ShownField[] = []
  let at = from
  const block = (): Buffer => {
    const start = at + 2
    at = start + head.readUInt16BE(at)
    return head.subarray(start, at)
  }
  const section = 'properties'
  while (at < head.length) {
    const id = head[at++]!
    if (id === 0x01) fields.push({ section, name: 'payload-format-indicator', value: String(head[at++]) })
    else if (id === 0x02) {
      fields.push({ section, name: 'message-expiry-interval', value: String(head.readUInt32BE(at)) })
      at += 4
    } else if (id === 0x09) {
      fields.push({ section, name: 'correlation-data', type: 'binary', value: block().toString('base64') })
    } else if (id === 0x26) {
      fields.push({ section: 'user-properties', name: block().toString(), value: block().toString() })
    } else fields.push({ section, name: names[id] ?? `property ${id}`, value: block().toString() })
  }
  return fields
}
