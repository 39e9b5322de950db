import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import amqplib from 'amqplib'
import rhea, { type EventContext, type Message } from 'rhea'
import type { Broker } from '../support/brokers.ts'
import type { Amqp10Broker, Login } from './amqp10-client.ts'
import type { TcpAddress } from './fixture.ts'

const unique = () => `amqp10-${randomUUID()}`

/** Queues are made, counted and deleted over the broker's other protocol, on the same port. */
export async function rabbitmq(
  { host, ports, username, password }: Broker,
  target: (name: string) => string,
): Promise<Amqp10Broker> {
  const address = { host, port: ports.amqp! }
  const connection = await amqplib.connect({ hostname: host, port: ports.amqp!, username, password })
  const channel = await connection.createChannel()
  return {
    address,
    login: { username, password },
    target,
    async create(odd = '') {
      const name = unique() + odd
      await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'classic' } })
      return name
    },
    left: async name => (await channel.checkQueue(name)).messageCount,
    detach: async name => void (await channel.deleteQueue(name)),
    close: () => connection.close(),
  }
}

/** Queues come into being when they are used; the statistics plugin counts. */
export async function activemq({ host, ports, username, password }: Broker): Promise<Amqp10Broker> {
  const address = { host, port: ports.amqp! }
  const login = { username, password }
  const asker = await Asker.connect(address, login, 'temp-queue')
  return {
    address,
    login,
    target: name => `queue://${name}`,
    create: async (odd = '') => unique() + odd,
    async left(name) {
      const { body } = await asker.ask(`queue://ActiveMQ.Statistics.Destination.${name}`, { body: '' })
      return Number(body.size)
    },
    close: () => asker.close(),
  }
}

/** Queues come into being when they are used; the management address counts and deletes. */
export async function artemis({ host, ports, username, password }: Broker): Promise<Amqp10Broker> {
  const address = { host, port: ports.amqp! }
  const login = { username, password }
  const asker = await Asker.connect(address, login, 'temporary-queue')
  const manage = (resource: string, what: object, body: string) =>
    asker.ask('activemq.management', {
      application_properties: { _AMQ_ResourceName: resource, ...what },
      body,
    })
  return {
    address,
    login,
    target: name => ({ address: name, capabilities: 'queue' }),
    create: async (odd = '') => unique() + odd,
    async left(name) {
      const { body } = await manage(`queue.${name}`, { _AMQ_OperationName: 'countMessages' }, '[]')
      return Number(JSON.parse(body)[0])
    },
    async detach(name) {
      await manage('broker', { _AMQ_OperationName: 'destroyQueue' }, JSON.stringify([name, true]))
    },
    close: () => asker.close(),
  }
}

/** Asks a broker by a message and reads its answer from a temporary queue. */
class Asker {
  readonly #connection: rhea.Connection
  readonly #answers: rhea.Receiver

  private constructor(connection: rhea.Connection, answers: rhea.Receiver) {
    this.#connection = connection
    this.#answers = answers
  }

  static async connect(at: TcpAddress, login: Login, capability: string): Promise<Asker> {
    const connection = rhea.create_container().connect({ ...at, ...login, reconnect: false })
    connection.on('disconnected', () => {})
    const source = { address: '', dynamic: true, capabilities: capability }
    const answers = connection.open_receiver({ source: { ...source, address: undefined as never } })
    await once(answers, 'receiver_open')
    return new Asker(connection, answers)
  }

  async ask(address: string, message: Message): Promise<Message> {
    const answer = once(this.#answers, 'message') as Promise<[EventContext]>
    const sender = this.#connection.open_sender(address)
    await once(sender, 'sendable')
    sender.send({ ...message, reply_to: this.#answers.source.address })
    const [context] = await answer
    sender.close()
    return context.message!
  }

  async close(): Promise<void> {
    this.#connection.close()
  }
}
