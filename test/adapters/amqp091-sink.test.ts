import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { quorum } from './amqp091-rabbit.ts'
import { rabbitSinkFixture, sinkTitles } from './amqp091-sinks.ts'
import { sinkConformance } from './sink-conformance.ts'

for (const [name, kind, queue] of [
  ['rabbitmq3', 'quorum', quorum],
  ['rabbitmq4', 'classic', {}],
] as const) {
  await describeOnBroker(name, 'AMQP 0-9-1', broker => {
    sinkConformance({
      title: `AMQP 0-9-1 with ${kind} queues on ${name}`,
      adapter: amqp091,
      examples: sinkTitles,
      fixture: () => rabbitSinkFixture(broker, queue),
      skip: { blocked: 'others use the broker; see the tests of what is its own' },
    })
  })
}
