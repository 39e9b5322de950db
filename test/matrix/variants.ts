import { connect } from 'amqplib'
import type { Broker, BrokerName } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { amqp10Client } from './clients/amqp10.ts'
import { amqp091Client } from './clients/amqp091.ts'
import { awsClient } from './clients/aws.ts'
import type { Client } from './clients/client.ts'
import { mqttClient } from './clients/mqtt.ts'
import { type StompDialect, stompClient } from './clients/stomp.ts'
import type { VariantKey } from './table.ts'

/** A protocol, as one broker speaks it. */
export interface Variant {
  readonly key: VariantKey
  readonly title: string
  /** Absent for AWS, whose stand-in is always there. */
  readonly broker?: BrokerName
  readonly canBeSource: boolean
  open(broker: Broker | undefined, aws: TestAws): Promise<Client>
}

const on = (
  key: VariantKey,
  title: string,
  broker: BrokerName,
  open: (broker: Broker) => Promise<Client>,
): Variant => ({ key, title, broker, canBeSource: true, open: found => open(found!) })

const declare =
  ({ host, ports, username, password }: Broker) =>
  async (queue: string) => {
    const model = await connect({ hostname: host, port: ports.amqp!, username, password })
    const channel = await model.createChannel()
    await channel.assertQueue(queue, { durable: true, expires: 600_000 })
    await model.close()
  }

const shared = {
  correlationId: 'correlation-id',
  replyTo: 'reply-to',
  contentType: 'content-type',
  subject: 'type',
  priority: 'priority',
  durable: 'persistent',
  groupId: 'JMSXGroupID',
  groupSequence: 'JMSXGroupSeq',
}

/** The `timestamp` is the broker's own. */
const activemqNames = { ...shared, expiresAt: 'expires', userId: 'JMSXUserID' }

const activemq: StompDialect = {
  destination: place => `/queue/${place}`,
  send: [],
  subscribe: [],
  names: activemqNames,
  readNames: activemqNames,
  make: async () => {},
}

const artemis: StompDialect = {
  ...activemq,
  destination: place => place,
  send: ['destination-type:ANYCAST'],
  subscribe: ['subscription-type:ANYCAST'],
  readNames: { ...activemqNames, groupId: '_AMQ_GROUP_ID' },
}

const rabbitmqNames = {
  ...shared,
  contentEncoding: 'content-encoding',
  expiresAt: 'expiration',
  createdAt: 'timestamp',
  messageId: 'amqp-message-id',
  userId: 'user-id',
  appId: 'app-id',
}

const rabbitmq = (broker: Broker): StompDialect => ({
  destination: place => `/amq/queue/${place}`,
  send: [],
  subscribe: [],
  names: rabbitmqNames,
  readNames: rabbitmqNames,
  make: declare(broker),
})

export const variants: readonly Variant[] = [
  on('amqp10-activemq', 'amqp10 (activemq)', 'activemq', b => amqp10Client(b, place => `queue://${place}`)),
  on('amqp10-artemis', 'amqp10 (artemis)', 'artemis', b =>
    amqp10Client(b, address => ({ address, capabilities: 'queue' })),
  ),
  on('amqp10-rabbitmq4', 'amqp10 (rabbitmq4)', 'rabbitmq4', b =>
    amqp10Client(b, place => `/queues/${place}`, declare(b)),
  ),
  on('amqp091', 'amqp091', 'rabbitmq4', amqp091Client),
  on('mqtt5', 'mqtt 5', 'mosquitto', b => mqttClient(b, 5)),
  on('mqtt311', 'mqtt 3.1.1', 'mosquitto', b => mqttClient(b, '3.1.1')),
  on('stomp-activemq', 'stomp (activemq)', 'activemq', b => stompClient(b, activemq)),
  on('stomp-artemis', 'stomp (artemis)', 'artemis', b => stompClient(b, artemis)),
  on('stomp-rabbitmq4', 'stomp (rabbitmq4)', 'rabbitmq4', b => stompClient(b, rabbitmq(b))),
  { key: 'sqs', title: 'sqs', canBeSource: true, open: async (_, aws) => awsClient(aws, 'sqs') },
  { key: 'sns', title: 'sns', canBeSource: false, open: async (_, aws) => awsClient(aws, 'sns') },
]
