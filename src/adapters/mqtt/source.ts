import type { IPublishPacket } from 'mqtt'
import type { Deliver, LinkContext, Source } from '../../core/adapter.ts'
import type { Delivery } from '../../core/delivery.ts'
import { LinkLost } from '../../core/errors.ts'
import { restored } from '../shared/carriage/restore.ts'
import { takenApart } from '../shared/cloudevents/cloudevents.ts'
import { Grants } from '../shared/grants.ts'
import { Acks, type Owed } from './acks.ts'
import { decode, sizeOf } from './codec.ts'
import type { Connection } from './connection.ts'
import type { SourceAt } from './options.ts'

/** Bytes of QoS 0 messages held beyond the grant; more than that, or than `prefetch` messages, is let go. */
const qos0Bytes = 16 * 2 ** 20

const never = new AbortController().signal

/**
 * A source over one connection of its own: acknowledgements go in order of arrival on a connection, so that a second
 * route on it would wait for the first.
 *
 * What bounds it: MQTT has no credit, and Mosquitto does not keep Receive Maximum. So reading stops (the rest waits in
 * the socket and the broker) as soon as one QoS 1 message is here that was not granted, or `prefetch` are not
 * acknowledged, or the source was stopped; pings go on. QoS 0 never stops it, it is let go.
 */
export class MqttSource implements Source {
  readonly closed: Promise<Error | undefined>
  readonly #at: SourceAt
  readonly #connection: Connection
  readonly #context: LinkContext
  readonly #grants: Grants
  readonly #acks = new Acks()
  #heldBytes = 0
  /** Until SUBACK came nothing is granted, and it comes behind the messages that a kept session sends: so all is read. */
  #opening = true
  #stopped = false
  #next: (() => void) | undefined
  #flushing = false

  constructor(at: SourceAt, connection: Connection, deliver: Deliver, context: LinkContext) {
    this.#at = at
    this.#connection = connection
    this.#context = context
    this.#grants = new Grants(delivery => {
      this.#heldBytes -= delivery.size
      deliver(delivery)
    })
    this.closed = connection.closed
    void this.closed.then(why => this.#ended(why))
    connection.start((packet, next) => this.#receive(packet, next))
  }

  opened(): void {
    this.#opening = false
  }

  grant(messages: number, bytes: number): void {
    if (this.#stopped) return
    this.#grants.grant(messages, bytes)
    this.#readOn()
  }

  /** Not an UNSUBSCRIBE, since what is published from then on would be lost: we only stop reading. */
  async stop(): Promise<void> {
    this.#stopped = true
  }

  async close(): Promise<void> {
    this.#stopped = true
    this.#flush()
    await this.#connection.close()
  }

  #receive(packet: IPublishPacket, next: () => void): void {
    if (packet.qos === 0) this.#receiveUnguaranteed(packet)
    else this.#receiveGuaranteed(packet)
    if (packet.qos > 0 && this.#isFull) this.#next = next
    else next()
  }

  #receiveGuaranteed(packet: IPublishPacket): void {
    const packetId = packet.messageId!
    const before = packet.dup ? this.#acks.find(packetId) : undefined
    if (before) {
      this.#receiveAgain(packet, before)
      return
    }
    const owed = this.#acks.owe(packetId, packet.qos === 1 ? 1 : 2)
    if (this.#isSkipped(packet)) this.#skip(owed)
    else this.#offer(this.#delivery(packet, owed))
  }

  /**
   * A message that came on this connection already: once is enough. But ActiveMQ Classic sends one that waited for us
   * and is retained as well twice under one packet id, as retained and as live, in either order: the live one counts.
   */
  #receiveAgain(packet: IPublishPacket, owed: Owed): void {
    if (!owed.skipped || this.#isSkipped(packet)) return
    owed.skipped = false
    this.#offer(this.#delivery(packet, owed))
  }

  /** Acknowledges a retained message nobody wants; not at once, since its live copy may follow. */
  #skip(owed: Owed): void {
    owed.skipped = true
    setTimeout(() => owed.skipped && this.#settle(owed), 100).unref()
  }

  #receiveUnguaranteed(packet: IPublishPacket): void {
    if (this.#isSkipped(packet)) return
    const delivery = this.#delivery(packet)
    const { held } = this.#grants
    if (held >= this.#at.options.prefetch || (held > 0 && this.#heldBytes + delivery.size > qos0Bytes)) {
      this.#context.report({ type: 'dropped', reason: 'buffer_full' })
    } else this.#offer(delivery)
  }

  /** Once stopped, what still comes is not ours any more: the session keeps it, since it is never acknowledged. */
  #offer(delivery: Delivery): void {
    if (this.#stopped) return
    this.#heldBytes += delivery.size
    this.#grants.offer(delivery)
  }

  /** A retained message comes with RETAIN set; on a live one the broker clears it (MQTT-3.3.1-9, MQTT 5 3.8.3.1). */
  #isSkipped(packet: IPublishPacket): boolean {
    return packet.retain && this.#at.options.retained === 'skip'
  }

  /**
   * A message that the broker keeps until it is acknowledged is lost with the connection. The others (QoS 0, or a clean
   * session, which dies with it) are only here: they can be sent on whatever became of the connection.
   */
  #delivery(packet: IPublishPacket, owed?: Owed): Delivery {
    const lost = owed && this.#at.options.session === 'persistent' ? this.#connection.lost : never
    const native = restored(decode(packet))
    const { format } = this.#at.options
    // Without headers nothing could say that it is an event.
    const implied = this.#at.connection.version !== 5
    return {
      ...(format === 'cloudevents' ? takenApart(native, implied) : native),
      size: sizeOf(packet),
      lost,
      settle: async outcome => {
        if (lost.aborted) throw new LinkLost(`the MQTT connection of ${this.#at.connectionName} is gone`)
        if (outcome === 'rejected') throw new Error('MQTT has no way to reject a message')
        if (owed && !owed.settled) this.#settle(owed)
      },
    }
  }

  /** Acknowledges at the end of this turn of the event loop, so that many go in one packet of the network. */
  #settle(owed: Owed): void {
    owed.settled = true
    if (this.#flushing) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      this.#flush()
      this.#readOn()
    })
  }

  #flush(): void {
    const packets = this.#acks.take()
    if (packets) this.#connection.write(packets)
  }

  get #isFull(): boolean {
    if (this.#stopped) return true
    return !this.#opening && (this.#grants.held > 0 || this.#acks.size >= this.#at.options.prefetch)
  }

  #readOn(): void {
    const next = this.#next
    if (!next || this.#isFull) return
    this.#next = undefined
    next()
  }

  #ended(why: Error | undefined): void {
    this.#grants.clear()
    if (why instanceof LinkLost && why.retryAfter !== undefined) {
      this.#context.report({ type: 'notice', text: why.message })
    }
  }
}
