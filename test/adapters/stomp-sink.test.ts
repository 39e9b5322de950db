import { stomp } from '../../src/adapters/stomp/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { sinkConformance } from './sink-conformance.ts'
import { sinkTitles, stompSinkFixture } from './stomp-sink-brokers.ts'

const blocked = 'a shared broker is never blocked: stomp-sink-behaviour has one that can be'
const makes = 'the broker makes a queue for whoever sends to it'

for (const [name, skip] of [
  ['activemq', { missing: makes, gone: makes, checkGone: makes, blocked }],
  ['artemis', { gone: makes, checkGone: makes, blocked }],
  ['rabbitmq3', { blocked }],
  ['rabbitmq4', { blocked }],
] as const) {
  await describeOnBroker(name, 'STOMP', broker =>
    sinkConformance({
      title: 'STOMP',
      adapter: stomp,
      examples: sinkTitles,
      skip,
      fixture: () => stompSinkFixture(broker),
    }),
  )
}
