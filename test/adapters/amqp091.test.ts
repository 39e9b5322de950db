import { after, before, describe } from 'node:test'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { RabbitBench } from './amqp091-bench.ts'
import { rabbitFixture, titles } from './amqp091-brokers.ts'
import { links } from './amqp091-links.ts'
import { windowAndOrder } from './amqp091-order.ts'
import { quorum } from './amqp091-rabbit.ts'
import { settling } from './amqp091-settling.ts'
import { types } from './amqp091-types.ts'
import { sourceConformance } from './conformance.ts'

for (const [name, queue] of [
  ['rabbitmq3', {}],
  ['rabbitmq4', quorum],
] as const) {
  await describeOnBroker(name, 'AMQP 0-9-1', broker => {
    sourceConformance({
      title: `AMQP 0-9-1 on ${name}`,
      adapter: amqp091,
      examples: titles,
      fixture: () => rabbitFixture(broker, queue),
    })
    describe('what is its own', () => {
      const bench = new RabbitBench(broker)
      before(() => bench.connect())
      after(() => bench.rabbit?.close())
      windowAndOrder(bench)
      settling(bench)
      links(bench)
      types(bench)
    })
  })
}
