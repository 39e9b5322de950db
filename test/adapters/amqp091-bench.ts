import type { TestContext } from 'node:test'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import type { ConnectionOptions, SourceOptions } from '../../src/adapters/amqp091/options.ts'
import type { Endpoint } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import type { Broker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import { addressOf } from './amqp091-brokers.ts'
import { Impostor } from './amqp091-frames.ts'
import { Rabbit } from './amqp091-rabbit.ts'
import { Consumer, parse } from './consumer.ts'
import { idOf, type RawEndpoint, type TcpAddress } from './fixture.ts'

export type At = Endpoint<ConnectionOptions, SourceOptions>

/** What the tests of one RabbitMQ share. */
export class RabbitBench {
  readonly broker: Broker
  rabbit!: Rabbit

  constructor(broker: Broker) {
    this.broker = broker
  }

  async connect(): Promise<void> {
    this.rabbit = await Rabbit.connect(addressOf(this.broker), this.broker)
  }

  readonly login = () => ({ username: this.broker.username, password: this.broker.password })

  /** An endpoint as people write it. */
  readonly raw = (queue: string, via = this.rabbit.address, more: object = {}): RawEndpoint => ({
    connection: { urls: [`amqp://${via.host}:${via.port}`], ...this.login() },
    source: { queue, ...more },
  })

  readonly endpoint = (queue: string, via?: TcpAddress, more?: object): At =>
    parse(amqp091, queue, this.raw(queue, via, more))

  readonly open = async (t: TestContext, at: At | string): Promise<Consumer> =>
    (await Consumer.open(amqp091, typeof at === 'string' ? this.endpoint(at) : at)).closeAfter(t)

  readonly impostor = async (t: TestContext): Promise<Impostor> => {
    const started = await Impostor.start(this.rabbit.address)
    t.after(() => started.close())
    return started
  }

  /** Waits until so many messages of the queue are out to nobody. */
  readonly ready = (queue: string, count: number) =>
    until(async () => (await this.rabbit.ready(queue)) === count, { what: `${count} ready in ${queue}` })

  /** Takes all that is in the queue. */
  readonly drain = async (t: TestContext, queue: string): Promise<Delivery[]> => {
    await this.rabbit.produce(queue, [Buffer.from('end')])
    const consumer = await this.open(t, queue)
    consumer.grant(100_000)
    await until(() => consumer.ids.includes('end'), { what: 'the end of the queue' })
    await Promise.all(consumer.deliveries.map(d => d.settle('accepted')))
    await consumer.source.close()
    return consumer.deliveries.filter(d => idOf(d.message) !== 'end')
  }
}
