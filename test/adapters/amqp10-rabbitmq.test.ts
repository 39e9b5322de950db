import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { rabbitmq } from './amqp10-brokers.ts'
import { amqp10Fixture } from './amqp10-client.ts'
import { amqp10Examples } from './amqp10-examples.ts'
import { sourceConformance } from './conformance.ts'

const examples = amqp10Examples.map(e => e.title)
const noValues = 'the plugin of RabbitMQ 3 ends the session when it gets a value that is a list or a map'

await describeOnBroker('rabbitmq4', 'amqp10 with version 2 addresses', broker =>
  sourceConformance({
    title: 'amqp10',
    adapter: amqp10,
    examples,
    fixture: async () => amqp10Fixture(await rabbitmq(broker, name => `/queues/${name}`), amqp10Examples),
  }),
)

await describeOnBroker('rabbitmq3', 'amqp10 with version 1 addresses', broker =>
  sourceConformance({
    title: 'amqp10',
    adapter: amqp10,
    examples,
    skipExamples: {
      'a body of several data sections as one': 'the plugin of RabbitMQ 3 stores them in the wrong order',
      'a list with its types': noValues,
      'a map with its types': noValues,
      'a map whose keys are no strings': noValues,
    },
    fixture: async () => amqp10Fixture(await rabbitmq(broker, name => `/amq/queue/${name}`), amqp10Examples),
  }),
)
