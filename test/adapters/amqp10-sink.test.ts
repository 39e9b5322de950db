import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { type Broker, type BrokerName, describeOnBroker } from '../support/brokers.ts'
import { activemq, artemis, rabbitmq } from './amqp10-brokers.ts'
import type { Amqp10Broker } from './amqp10-client.ts'
import { sinkExamples, type Ways } from './amqp10-sink-examples.ts'
import { amqp10SinkFixture } from './amqp10-sink-fixture.ts'
import { type SinkPromise, sinkConformance } from './sink-conformance.ts'

interface Suite extends Ways {
  open(broker: Broker): Promise<Amqp10Broker>
  readonly missing?: string
  addressOf?(name: string): string
  readonly skip: Partial<Record<SinkPromise, string>>
}

const missing = 'sluice-there-is-no-such-place'
const makes = 'the broker makes a queue as soon as somebody sends to it'
const blocked = 'a shared broker is never blocked: see amqp10-sink-peer.test.ts'

const suites: readonly (readonly [BrokerName, Suite])[] = [
  [
    'activemq',
    {
      open: activemq,
      jms: 'classic',
      missing: 'temp-queue://ID:nobody-1:1:1',
      addressOf: name => (name.startsWith('temp-') ? name : `queue://${name}`),
      skip: { missing: makes, gone: makes, checkGone: makes, blocked },
    },
  ],
  [
    'artemis',
    {
      open: artemis,
      jms: 'artemis',
      skip: { missing: makes, guilty: makes, apart: makes, gone: makes, checkGone: makes, blocked },
    },
  ],
  [
    'rabbitmq4',
    {
      open: broker => rabbitmq(broker, name => `/queues/${name}`),
      missing,
      skip: { blocked },
    },
  ],
  [
    'rabbitmq3',
    {
      open: broker => rabbitmq(broker, name => `/amq/queue/${name}`),
      text: true,
      missing,
      skip: { blocked },
    },
  ],
]

for (const [name, { open, missing, addressOf, skip, ...ways }] of suites) {
  const examples = sinkExamples(ways)
  await describeOnBroker(name, 'amqp10', broker =>
    sinkConformance({
      title: 'amqp10',
      adapter: amqp10,
      examples: examples.map(e => e.title),
      skip,
      fixture: async () =>
        amqp10SinkFixture(
          { ...(await open(broker)), ...(missing && { missing }), ...(addressOf && { addressOf }) },
          examples,
        ),
    }),
  )
}
