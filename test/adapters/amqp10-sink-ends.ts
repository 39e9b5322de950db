import { once } from 'node:events'
import type { TestContext } from 'node:test'
import amqplib from 'amqplib'
import rhea from 'rhea'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import type { Endpoint, LinkEvent } from '../../src/core/adapter.ts'
import type { Message } from '../../src/core/message.ts'
import type { Broker } from '../support/brokers.ts'
import { rabbitmq } from './amqp10-brokers.ts'
import type { Amqp10Broker, Login, Target } from './amqp10-client.ts'
import { Consumer, parse } from './consumer.ts'
import type { TcpAddress } from './fixture.ts'

const never = new AbortController().signal

export interface Sending {
  readonly sink: Awaited<ReturnType<NonNullable<typeof amqp10.sink>['open']>>
  readonly events: readonly LinkEvent[]
  /** Prepares and sends; what is not given is empty. */
  send(message: Partial<Message>, signal?: AbortSignal): Promise<object>
}

/** Sinks and sources on one broker over one connection, closed when the test ends. */
export class Ends {
  readonly #t: TestContext
  readonly #address: TcpAddress
  readonly #login: Login
  readonly #connection: unknown

  constructor(t: TestContext, { address, login }: Pick<Amqp10Broker, 'address' | 'login'>, connection = {}) {
    this.#t = t
    this.#address = address
    this.#login = login
    const { host, port } = address
    this.#connection = { urls: [`amqp://${host}:${port}`], ...login, ...connection }
    this.#parsed = amqp10.connection.parse(this.#connection)
  }

  readonly #parsed: ReturnType<typeof amqp10.connection.parse>

  /** With a channel of AMQP 0-9-1 to arrange things by, and queues that are deleted in the end. */
  static async onRabbit(t: TestContext, broker: Broker, target: Target) {
    const fixture = await rabbitmq(broker, target as (name: string) => string)
    const { host, ports, username, password } = broker
    const connection = await amqplib.connect({ hostname: host, port: ports.amqp!, username, password })
    const channel = await connection.createChannel()
    t.after(async () => {
      await connection.close()
      await fixture.close()
    })
    const create = async (more: object = {}) => {
      const name = await fixture.create()
      if (Object.keys(more).length === 0) return name
      const limited = `${name}-limited`
      await channel.assertQueue(limited, { arguments: { 'x-queue-type': 'classic', ...more } })
      return limited
    }
    return { ends: new Ends(t, fixture), channel, create }
  }

  async sink(written: object): Promise<Sending> {
    const kind = amqp10.sink!
    const options = kind.options.parse(written)
    const at: Endpoint<never, typeof options> = {
      connection: this.#parsed as never,
      connectionName: 'ends',
      route: 'ends',
      options,
    }
    const events: LinkEvent[] = []
    const sink = await kind.open(at, { signal: never, report: event => events.push(event) })
    this.#t.after(() => sink.close())
    const send = (message: Partial<Message>, signal = never) => {
      const whole: Message = {
        address: kind.address!(at),
        body: { kind: 'none' },
        headers: {},
        properties: {},
        ...message,
      }
      return sink.send(kind.prepare(at, sink.limits, whole), signal)
    }
    return { sink, events, send }
  }

  async source(source: object): Promise<Consumer> {
    const at = parse(amqp10, 'ends', {
      connection: this.#connection as object as never,
      source: source as never,
    })
    return (await Consumer.open(amqp10, { ...at, connection: this.#parsed })).closeAfter(this.#t)
  }

  /** A client of another make that waits at a temporary queue. */
  async requester(capability: string) {
    const connection = rhea.create_container().connect({ ...this.#address, ...this.#login, reconnect: false })
    connection.on('disconnected', () => {})
    this.#t.after(() => connection.close())
    const answers = connection.open_receiver({
      source: { dynamic: true, capabilities: capability } as never,
    })
    await once(answers, 'receiver_open')
    const { address } = answers.source
    return {
      address,
      answered: once(answers, 'message'),
      async ask(queue: string) {
        const sender = connection.open_sender({
          target: { address: queue, capabilities: ['queue'] } as never,
        })
        await once(sender, 'sendable')
        sender.send({ reply_to: address, body: 'a question' })
        await once(sender, 'accepted')
      },
      async close() {
        answers.close()
        await once(answers, 'receiver_close')
      },
    }
  }
}
