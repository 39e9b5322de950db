import type { Delivery } from '../core/delivery.ts'
import { deliveryId } from './delivery-id.ts'

/** What is known of one message since it was last carried. */
export interface Tally {
  /** Tries that failed in a way nobody knows, and counted (target.ts), before its delivery was lost. */
  unexpected: number
  /** How often a link died with it, in a row. */
  deaths: number
  /** Those that were its own doing, as far as that can be known (suspects.ts). */
  own: number
  /** Milliseconds from the last try to the end of the link that died with it. */
  took: number
}

interface Entry extends Tally {
  /** The link that died last, or why it did: several of one name die once. */
  with: object
  at: number
}

/** Messages remembered at most, and for so long (ms); what is forgotten is counted anew. */
const most = 10_000
const longest = 60 * 60_000

/**
 * The attempts at messages that did not get past one end of a route, kept when their deliveries are lost: many brokers do
 * not count (MQTT, STOMP, classic queues of RabbitMQ), and those that do count every outage as well.
 *
 * A delivery is known by its name (delivery-id.ts) where its broker gave it an id. Where it gave none, address, body and
 * headers stand for it. That would be no name to deduplicate by, as two equal messages must both arrive; for counting it
 * is right: what a message does to a broker is in its content, an equal one is equally suspect, and carrying either clears
 * both. Nothing is hashed while nothing is remembered.
 */
export class Attempts {
  readonly #connectionName: string
  /** That of the last failure last. */
  readonly #entries = new Map<string, Entry>()
  readonly #keys = new WeakMap<Delivery, string>()

  constructor(connectionName: string) {
    this.#connectionName = connectionName
  }

  of(delivery: Delivery): Tally | undefined {
    return this.#entries.size === 0 ? undefined : this.#entries.get(this.#keyOf(delivery))
  }

  /** A link died `took` milliseconds after a try with it began; `link` stands for that link. */
  died(delivery: Delivery, link: object, took: number, isOwn: boolean): Tally {
    const entry = this.#touched(delivery)
    if (entry.with !== link) {
      entry.deaths++
      if (isOwn) entry.own++
    }
    return Object.assign(entry, { with: link, took })
  }

  /** So many failures are to be remembered should its delivery be lost. */
  keep(delivery: Delivery, unexpected: number): void {
    const entry = this.#touched(delivery)
    entry.unexpected = Math.max(entry.unexpected, unexpected)
  }

  /** It was carried, or is a dead letter. */
  forget(delivery: Delivery): void {
    if (this.#entries.size > 0) this.#entries.delete(this.#keyOf(delivery))
  }

  /** The entry of this delivery, the last one from now on. */
  #touched(delivery: Delivery): Entry {
    const key = this.#keyOf(delivery)
    const entry = this.#entries.get(key) ?? { unexpected: 0, deaths: 0, own: 0, took: 0, with: this, at: 0 }
    entry.at = performance.now()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    this.#forgetOldest()
    return entry
  }

  #keyOf(delivery: Delivery): string {
    let key = this.#keys.get(delivery)
    if (key === undefined) {
      const { id = '', message } = delivery
      key = deliveryId(this.#connectionName, { id, message })
      this.#keys.set(delivery, key)
    }
    return key
  }

  #forgetOldest(): void {
    for (const [key, { at }] of this.#entries) {
      if (this.#entries.size <= most && performance.now() - at < longest) return
      this.#entries.delete(key)
    }
  }
}
