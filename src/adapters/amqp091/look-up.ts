import type { Channel } from 'amqplib'
import { toError } from '../../core/errors.ts'
import { within } from '../shared/within.ts'
import type { AmqpConnection } from './connection.ts'

/** The reply code of a channel error (AMQP 0-9-1, 1.2). */
export const codeOf = (error: unknown): number | undefined => {
  const { code } = toError(error) as { readonly code?: unknown }
  return typeof code === 'number' ? code : undefined
}

/**
 * Asks whether queues and exchanges are there, by passive declaration on a channel of its own, since the broker closes
 * the channel where they are not. One question at a time; the same one asked again while it waits is asked once.
 */
export class LookUp {
  readonly #connection: AmqpConnection
  readonly #limit: number
  readonly #asked = new Map<string, Promise<void>>()
  #channel: Promise<Channel> | undefined
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: AmqpConnection, limit: number) {
    this.#connection = connection
    this.#limit = limit
  }

  /** Rejects with the broker's error when there is no such queue. One that is another connection's own is there. */
  queue(name: string): Promise<void> {
    return this.#once(`queue ${name}`, async channel => {
      await channel.checkQueue(name)
    }).catch(error => {
      if (codeOf(error) !== 405) throw error
    })
  }

  exchange(name: string): Promise<void> {
    return this.#once(`exchange ${name}`, async channel => {
      await channel.checkExchange(name)
    })
  }

  #once(what: string, ask: (channel: Channel) => Promise<void>): Promise<void> {
    let answer = this.#asked.get(what)
    if (!answer) {
      answer = this.#turn.then(() => this.#ask(what, ask)).finally(() => this.#asked.delete(what))
      this.#turn = answer.catch(() => {})
      this.#asked.set(what, answer)
    }
    return answer
  }

  async #ask(what: string, ask: (channel: Channel) => Promise<void>): Promise<void> {
    this.#channel ??= this.#open()
    const channel = await this.#channel
    const asking = this.#connection.whileOpen(ask(channel))
    await within(this.#limit, `looking for ${what} on ${this.#connection.url.text}`, asking)
  }

  async #open(): Promise<Channel> {
    const forget = () => {
      this.#channel = undefined
    }
    try {
      const channel = await this.#connection.channel(AbortSignal.timeout(this.#limit))
      channel.on('close', forget)
      channel.on('error', forget)
      return channel
    } catch (error) {
      forget()
      throw error
    }
  }
}
