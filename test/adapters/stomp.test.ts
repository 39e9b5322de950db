import { stomp } from '../../src/adapters/stomp/index.ts'
import { sourceConformance } from './conformance.ts'
import { broker, stompFixture, titles } from './stomp-brokers.ts'

const rejected = 'STOMP cannot reject: NACK is a dead letter on ActiveMQ and gives back on RabbitMQ'
const missing = 'the broker makes a queue for whoever subscribes'
const detached = 'ActiveMQ has no way to take a subscription from a connection that lives'

sourceConformance({
  title: 'STOMP on ActiveMQ',
  adapter: stomp,
  examples: titles,
  skip: { rejected, missing, detached },
  fixture: () => stompFixture(broker('activemq')),
  unavailable: broker('activemq').unavailable,
})

sourceConformance({
  title: 'STOMP on Artemis',
  adapter: stomp,
  examples: titles,
  skip: { rejected, missing },
  fixture: () => stompFixture(broker('artemis')),
  unavailable: broker('artemis').unavailable,
})

for (const name of ['rabbitmq3', 'rabbitmq4']) {
  sourceConformance({
    title: `STOMP on ${name}`,
    adapter: stomp,
    examples: titles,
    skip: { rejected },
    fixture: () => stompFixture(broker(name)),
    unavailable: broker(name).unavailable,
  })
}
