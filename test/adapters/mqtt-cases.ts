import type { Broker, BrokerName } from '../support/brokers.ts'
import type { SourcePromise } from './conformance.ts'
import type { MqttBroker, Traits, Version } from './mqtt-fixture.ts'

/** A broker with a version of the protocol, and how it differs from what the specification or others do. */
export interface MqttCase extends Traits {
  readonly name: BrokerName
  readonly version: Version
  /** Says DISCONNECT 142 to a client whose session is taken over; the others close without a word. */
  readonly saysTakenOver?: boolean
  /** Never says that it has a session, so that its retained messages come at each opening. */
  readonly repeatsRetained?: boolean
  readonly skip?: Partial<Record<SourcePromise, string>>
}

const window = (size: number) => ({
  credit: `asks for 21 unsettled messages, of which this broker hands out ${size} at a time`,
})

export const cases: readonly MqttCase[] = [
  { name: 'mosquitto', version: '3.1.1', skip: window(20) },
  { name: 'mosquitto', version: 5 },
  { name: 'rabbitmq3', version: '3.1.1', skip: window(10) },
  { name: 'rabbitmq4', version: '3.1.1', skip: window(10) },
  { name: 'rabbitmq4', version: 5, saysTakenOver: true, skip: window(10) },
  // ActiveMQ 6.3.1 refuses a PUBLISH whose remaining length takes four bytes: apache/activemq issue 2518.
  { name: 'activemq', version: '3.1.1', repeatsRetained: true, largestBody: 2 * 2 ** 20 - 100 },
  // Artemis 2.40 acknowledges and delivers 1 in 1,000 of such messages after later ones.
  { name: 'artemis', version: '3.1.1', reorders: true },
  {
    name: 'artemis',
    version: 5,
    saysTakenOver: true,
    reorders: true,
    skip: {
      cuts: 'Artemis 2.40 keeps the send quota of a connection that was cut, and stalls (ARTEMIS-5469)',
    },
  },
]

export const mqttBroker = ({ host, ports, username, password }: Broker): MqttBroker => ({
  host,
  port: ports.mqtt!,
  username,
  password,
})
