import { randomUUID } from 'node:crypto'
import { type ChannelModel, type ConfirmChannel, connect, type Options } from 'amqplib'
import type { TcpAddress } from './fixture.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

/** An independent client of RabbitMQ: plain amqplib, as it comes. */
export class Rabbit {
  readonly address: TcpAddress
  readonly login: Login
  readonly #model: ChannelModel
  readonly #channel: ConfirmChannel
  readonly #created = new Set<string>()

  static async connect(address: TcpAddress, login: Login): Promise<Rabbit> {
    const { username, password } = login
    const model = await connect({ hostname: address.host, port: address.port, username, password })
    return new Rabbit(address, login, model, await model.createConfirmChannel())
  }

  private constructor(address: TcpAddress, login: Login, model: ChannelModel, channel: ConfirmChannel) {
    this.address = address
    this.login = login
    this.#model = model
    this.#channel = channel
  }

  /** The client's own channel, for what is not here. */
  get channel(): ConfirmChannel {
    return this.#channel
  }

  async declare(options: Options.AssertQueue = {}, name = `sluice-test-${randomUUID()}`): Promise<string> {
    await this.#channel.assertQueue(name, { durable: true, ...options })
    this.#created.add(name)
    return name
  }

  /** Publishes in this order and waits for the confirms. */
  async produce(queue: string, bodies: readonly Uint8Array[], options: Options.Publish = {}): Promise<void> {
    for (const body of bodies) {
      this.#channel.sendToQueue(queue, Buffer.from(body), { persistent: true, ...options })
    }
    await this.#channel.waitForConfirms()
  }

  /** Messages of the queue that are not out to anybody. */
  async ready(queue: string): Promise<number> {
    return (await this.#channel.checkQueue(queue)).messageCount
  }

  async remove(queue: string): Promise<void> {
    this.#created.delete(queue)
    await this.#channel.deleteQueue(queue)
  }

  async close(): Promise<void> {
    for (const queue of this.#created) await this.#channel.deleteQueue(queue)
    await this.#model.close()
  }
}

export const quorum: Options.AssertQueue = { arguments: { 'x-queue-type': 'quorum' } }

export const numbered = (count: number, from = 0): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`m${from + i}`))
