import { after, before, describe } from 'node:test'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { RabbitBench } from './amqp091-bench.ts'
import { ownBroker, publishing } from './amqp091-publishing.ts'
import { quorum } from './amqp091-rabbit.ts'
import { rabbitSinkFixture, sinkTitles } from './amqp091-sinks.ts'
import { sinkConformance } from './sink-conformance.ts'

for (const [name, kind, queue] of [
  ['rabbitmq3', 'quorum', quorum],
  ['rabbitmq4', 'classic', {}],
  ['rabbitmq4', 'quorum', quorum],
] as const) {
  await describeOnBroker(name, 'AMQP 0-9-1', broker => {
    sinkConformance({
      title: `AMQP 0-9-1 with ${kind} queues on ${name}`,
      adapter: amqp091,
      examples: sinkTitles,
      fixture: () => rabbitSinkFixture(broker, queue),
      skip: { blocked: 'others use the broker: amqp091-publishing.ts has an alarm of a broker of its own' },
    })
  })
}

for (const name of ['rabbitmq3', 'rabbitmq4'] as const) {
  await describeOnBroker(name, 'sending over AMQP 0-9-1', broker => {
    describe('what is its own', () => {
      const bench = new RabbitBench(broker)
      before(() => bench.connect())
      after(() => bench.rabbit?.close())
      publishing(bench)
      if (name === 'rabbitmq3' && broker.pid !== null) ownBroker(name)
    })
  })
}
