import { stomp } from '../../src/adapters/stomp/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { sourceConformance } from './conformance.ts'
import { stompFixture, titles } from './stomp-brokers.ts'

const rejected = 'STOMP cannot reject: NACK is a dead letter on ActiveMQ and gives back on RabbitMQ'
const missing = 'the broker makes a queue for whoever subscribes'
const detached = 'ActiveMQ has no way to take a subscription from a connection that lives'

for (const [name, skip] of [
  ['activemq', { rejected, missing, detached }],
  ['artemis', { rejected, missing }],
  ['rabbitmq3', { rejected }],
  ['rabbitmq4', { rejected }],
] as const) {
  await describeOnBroker(name, 'STOMP', broker =>
    sourceConformance({
      title: 'STOMP',
      adapter: stomp,
      examples: titles,
      skip,
      fixture: () => stompFixture(broker),
    }),
  )
}
