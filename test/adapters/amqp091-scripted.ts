import { EventEmitter } from 'node:events'
import type { AmqpConnection } from '../../src/adapters/amqp091/connection.ts'
import type { AmqpPrepared } from '../../src/adapters/amqp091/encode.ts'

type Confirm = (error: Error | null) => void

/** A confirm channel of amqplib whose broker is the test. */
export class ScriptedChannel extends EventEmitter {
  readonly ch: number
  readonly connection: object
  /** Of what was published, in its order. */
  readonly confirms: Confirm[] = []
  isClosed = false
  #written = ''

  constructor(ch: number) {
    super()
    this.ch = ch
    const write = (frames: Buffer) => {
      this.#written += frames.toString('latin1')
      return true
    }
    const channels = Array.from({ length: ch + 1 }, () => ({ buffer: { write } }))
    this.connection = { sentSinceLastCheck: false, frameMax: 131_072, channels }
  }

  /** All that went to the socket, as Latin-1. */
  get written(): string {
    return this.#written
  }

  pushConfirmCallback(confirm: Confirm): void {
    this.confirms.push(confirm)
  }

  /** As the broker gives it back; `properties` as it has them by then. */
  giveBack({ exchange, routingKey, body }: AmqpPrepared, properties: Buffer): void {
    const fields = { exchange, routingKey, replyCode: 312, replyText: 'NO_ROUTE' }
    this.emit('return', { fields, properties: { raw: properties }, content: body })
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.emit('close')
  }
}

/** A connection that stays open and has such channels. */
export class ScriptedConnection {
  readonly channels: ScriptedChannel[] = []
  isBlocked = false
  readonly closed = new Promise<never>(() => {})
  #unblocked = new Set<() => void>()

  get asConnection(): AmqpConnection {
    return this as unknown as AmqpConnection
  }

  async confirmChannel(): Promise<ScriptedChannel> {
    const channel = new ScriptedChannel(this.channels.length + 1)
    this.channels.push(channel)
    return channel
  }

  onUnblocked(listener: () => void): () => void {
    this.#unblocked.add(listener)
    return () => this.#unblocked.delete(listener)
  }

  /** Resolves as the work does: this connection never ends. */
  whileOpen<T>(work: Promise<T>): Promise<T> {
    return work
  }

  unblock(): void {
    this.isBlocked = false
    for (const listener of [...this.#unblocked]) listener()
  }
}

/** A message as it would be published. */
export const published = (exchange: string, body: string, properties = ''): AmqpPrepared => ({
  exchange,
  routingKey: 'k',
  properties: Buffer.from(`\0\0${properties}`),
  body: Buffer.from(body),
  size: body.length,
})
