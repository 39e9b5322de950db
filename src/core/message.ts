import type { Entry, Value } from './value.ts'

/**
 * A message between two brokers. Never mutated: a mapping returns a new one.
 *
 * `address` is where it came from (the queue's or topic's name as people write it in the configuration, without
 * a dialect's prefix) and, once a mapping has set it, where it goes.
 */
export interface Message {
  readonly address: string
  /** Where it came from, once `address` is where it goes. */
  readonly origin?: string
  readonly body: Body
  readonly properties: Properties
  readonly headers: Headers
  /**
   * What a broker wrote beside the application's headers (AMQP 1.0 message annotations such as `x-routing-key`).
   * Kept for mappings and in dead-letter records; sinks do not send it unless their protocol has the same notion.
   */
  readonly annotations?: Headers
}

/** The application's own headers: JMS properties, AMQP application properties, MQTT 5 user properties. */
export type Headers = Readonly<Record<string, Value>>

/**
 * The body by its kind on the wire. `text` was text to its sender (JMS TextMessage, AMQP value string); `bytes` is
 * everything else that is opaque, text or not: nobody decodes it before something must read it. `object` is a
 * serialised Java object, which is carried and never deserialised.
 */
export type Body =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'object'; readonly bytes: Uint8Array }
  | { readonly kind: 'map'; readonly entries: readonly Entry[] }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'none' }

/** What protocols have in common beside headers. A property that the protocol did not carry is absent. */
export interface Properties {
  /** Typed, since AMQP 1.0 identifies by string, uint64, uuid or bytes. */
  readonly messageId?: Value
  readonly correlationId?: Value
  readonly replyTo?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  /** JMSType, AMQP 1.0 subject, AMQP 0-9-1 type. */
  readonly subject?: string
  /** JMSXGroupID, AMQP 1.0 group-id, SQS message group. */
  readonly groupId?: string
  readonly groupSequence?: number
  /** 0 (lowest) to 9; AMQP and JMS take 4 where it is absent. */
  readonly priority?: number
  /** True when the sender asked for a message that survives the broker's restart (MQTT: QoS above 0). */
  readonly durable?: boolean
  /** Milliseconds since 1970, absolute: a relative time to live was added to the time of receipt. */
  readonly expiresAt?: number
  /** Milliseconds since 1970, as the sender wrote it. */
  readonly createdAt?: number
  readonly userId?: Value
  /** AMQP 0-9-1 app-id. */
  readonly appId?: string
  /** MQTT: the broker marked it as a retained message. */
  readonly retained?: boolean
  /**
   * Names the *delivery*, never the content: two equal bodies have two ids, one message that is delivered again
   * keeps its id where its broker or JMS named it. Set by the route on receipt; the deduplication id of FIFO targets.
   */
  readonly deduplicationId?: string
  /** Milliseconds from sending until the message may be received; set by a mapping, for targets that can wait. */
  readonly delay?: number
  /** The routes that the message has come through, as the route writes them (route/trail.ts). */
  readonly trail?: string
}
