import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { cases, mqttBroker } from './mqtt-cases.ts'
import { mqttSinkFixture } from './mqtt-sink-fixture.ts'
import { type SinkPromise, sinkConformance } from './sink-conformance.ts'

const unminded =
  'a topic is there as soon as somebody publishes to it; mqtt-sink-forbidden.test.ts has forbidden ones'

const skip: Partial<Record<SinkPromise, string>> = {
  missing: unminded,
  guilty: unminded,
  gone: unminded,
  apart: unminded,
  checkGone: unminded,
  blocked: 'MQTT does not say so: mqtt-sink-protocol.test.ts has a broker that confirms nothing',
}

const ofBroker: Readonly<Record<string, Partial<Record<SinkPromise, string>>>> = {
  activemq: {
    largest:
      'ActiveMQ 6.3.1 refuses a PUBLISH whose remaining length takes four bytes: apache/activemq issue 2518',
  },
}

for (const { name, version, reorders } of cases) {
  await describeOnBroker(name, `MQTT ${version}`, broker =>
    sinkConformance({
      title: `MQTT ${version}`,
      adapter: mqtt,
      fixture: () => mqttSinkFixture(mqttBroker(broker), version, { ...(reorders && { reorders }) }),
      examples: [],
      skip: { ...skip, ...ofBroker[name] },
    }),
  )
}
