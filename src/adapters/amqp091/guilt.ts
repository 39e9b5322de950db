import type { AmqpPrepared } from './encode.ts'

/**
 * What a sink knows of the messages that cost it a channel, or have to be sent alone. The broker closes a channel, and says nothing about any
 * message that is unconfirmed on it, when one names an exchange that is not there or not allowed, or is not as it wants
 * it. Kept from link to link.
 */
export class Guilt {
  /** Exchanges that an error named: each of their routing keys has to be tried. */
  readonly #exchanges = new Set<string>()
  readonly #suspects = new WeakSet<AmqpPrepared>()
  /** What the broker said its max_message_size is. */
  maxMessageSize = Number.POSITIVE_INFINITY

  /** The message was unconfirmed on a channel that ended with this error. */
  suspect(prepared: AmqpPrepared, { message }: Error): void {
    const [, most] = /larger than configured max size (\d+)/.exec(message) ?? []
    if (most !== undefined) this.maxMessageSize = Number(most)
    const { exchange } = prepared
    if (exchange !== '' && message.includes(`exchange '${exchange}' in vhost`)) this.#exchanges.add(exchange)
    else if (!/exchange '.*' in vhost/.test(message)) this.#suspects.add(prepared)
  }

  /** The broker returned it, or another: sent alone, it is known which. */
  doubt(prepared: AmqpPrepared): void {
    this.#suspects.add(prepared)
  }

  acquit(prepared: AmqpPrepared): void {
    this.#suspects.delete(prepared)
  }

  isSuspect(prepared: AmqpPrepared): boolean {
    return this.#suspects.has(prepared)
  }

  isNamed(exchange: string): boolean {
    return this.#exchanges.has(exchange)
  }
}
