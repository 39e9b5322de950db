import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { cases, mqttBroker } from './mqtt-cases.ts'
import { mqttSinkFixture } from './mqtt-sink-fixture.ts'
import { sinkConformance } from './sink-conformance.ts'

const always = {
  missing: 'a topic is there as soon as somebody publishes to it; mqtt-sink-forbidden.test.ts has forbidden ones',
  guilty: 'the same',
  gone: 'the same',
  checkGone: 'the same',
}

for (const { name, version } of cases) {
  await describeOnBroker(name, `MQTT ${version}`, broker =>
    sinkConformance({
      title: `MQTT ${version}`,
      adapter: mqtt,
      fixture: () => mqttSinkFixture(mqttBroker(broker), version),
      examples: [],
      skip: always,
    }),
  )
}
