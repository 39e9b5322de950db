/** PUBACK, and PUBREC for what an older subscription of the same session still gets with QoS 2. */
const PUBACK = 0x40
const PUBREC = 0x50

/** A message that the broker waits to be told of. */
export interface Owed {
  readonly packetId: number
  readonly qos: 1 | 2
  settled: boolean
  /** Not handed to anybody, since it is a retained one. */
  skipped: boolean
}

/**
 * What one connection owes its broker, in the order of arrival: MQTT-4.6.0-2 wants PUBACKs in that order, so one
 * that is settled early waits for those before it. Packet ids mean nothing on another connection, so this lives
 * and dies with one.
 */
export class Acks {
  readonly #owed: Owed[] = []
  readonly #byPacketId = new Map<number, Owed>()

  get size(): number {
    return this.#owed.length
  }

  find(packetId: number): Owed | undefined {
    return this.#byPacketId.get(packetId)
  }

  owe(packetId: number, qos: 1 | 2): Owed {
    const owed: Owed = { packetId, qos, settled: false, skipped: false }
    this.#owed.push(owed)
    this.#byPacketId.set(packetId, owed)
    return owed
  }

  /** The packets that may be sent now, in order. The shortest form, which means success in both versions. */
  take(): Buffer | undefined {
    const waiting = this.#owed.findIndex(o => !o.settled)
    const due = this.#owed.splice(0, waiting === -1 ? this.#owed.length : waiting)
    if (due.length === 0) return undefined
    const packets = Buffer.allocUnsafe(due.length * 4)
    due.forEach(({ packetId, qos }, i) => {
      this.#byPacketId.delete(packetId)
      packets.writeUInt16BE(((qos === 1 ? PUBACK : PUBREC) << 8) | 2, i * 4)
      packets.writeUInt16BE(packetId, i * 4 + 2)
    })
    return packets
  }
}
