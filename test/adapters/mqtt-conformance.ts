import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { sourceConformance } from './conformance.ts'
import { cases, mqttBroker } from './mqtt-cases.ts'
import { exampleTitles, mqttFixture, type Version } from './mqtt-fixture.ts'

/** The promises of a source, on every broker that speaks this version. */
export async function mqttConformance(version: Version): Promise<void> {
  for (const { name, skip, ...traits } of cases.filter(c => c.version === version)) {
    await describeOnBroker(name, `MQTT ${version}`, broker =>
      sourceConformance({
        title: `MQTT ${version}`,
        adapter: mqtt,
        fixture: () => mqttFixture(mqttBroker(broker), version, traits),
        examples: exampleTitles[version],
        skip: {
          missing: 'a topic is there as soon as somebody subscribes to it',
          rejected: 'MQTT has no way to reject a message',
          ...skip,
        },
      }),
    )
  }
}
