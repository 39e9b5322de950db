import type { Broker, BrokerName } from '../../test/support/brokers.ts'
import type { TestAws } from '../../test/support/fauxqs.ts'
import { amqp10End } from './amqp10.ts'
import { rabbitEnd } from './amqp091.ts'
import type { End } from './end.ts'
import { mqttEnd } from './mqtt.ts'
import { sqsEnd } from './sqs.ts'
import { stompEnd } from './stomp.ts'

const over091 = { protocol: 'amqp091', scheme: 'amqp', port: 'amqp' }
const over10 = { protocol: 'amqp10', scheme: 'amqp', port: 'amqp' }

interface BrokerEnd {
  readonly broker: BrokerName
  readonly open: (broker: Broker) => End
}

const onBrokers = {
  'rabbitmq3-amqp091': {
    broker: 'rabbitmq3',
    open: b => rabbitEnd(b, over091, `RabbitMQ ${b.version} (AMQP 0-9-1)`),
  },
  'rabbitmq4-amqp091': {
    broker: 'rabbitmq4',
    open: b => rabbitEnd(b, over091, `RabbitMQ ${b.version} (AMQP 0-9-1)`),
  },
  'rabbitmq4-amqp10': {
    broker: 'rabbitmq4',
    open: b => rabbitEnd(b, over10, `RabbitMQ ${b.version} (AMQP 1.0)`),
  },
  'activemq-amqp10': { broker: 'activemq', open: b => amqp10End(b, `ActiveMQ ${b.version} (AMQP 1.0)`) },
  'activemq-stomp': { broker: 'activemq', open: b => stompEnd(b, `ActiveMQ ${b.version} (STOMP)`) },
  'artemis-amqp10': { broker: 'artemis', open: b => amqp10End(b, `Artemis ${b.version} (AMQP 1.0)`) },
  'mosquitto-mqtt5': { broker: 'mosquitto', open: b => mqttEnd(b, `Mosquitto ${b.version} (MQTT 5)`) },
} as const satisfies Record<string, BrokerEnd>

export type EndName = keyof typeof onBrokers | 'sqs' | 'sqs-fifo'

export const brokerOf = (name: EndName): BrokerName | undefined =>
  name in onBrokers ? onBrokers[name as keyof typeof onBrokers].broker : undefined

/** `broker` is that of `brokerOf`, where there is one. */
export function openEnd(name: EndName, aws: TestAws, broker: Broker | undefined): End {
  if (name === 'sqs' || name === 'sqs-fifo') return sqsEnd(aws, name === 'sqs-fifo')
  const end: BrokerEnd = onBrokers[name]
  return end.open(broker!)
}
