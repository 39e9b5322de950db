import type { Broker } from '../../support/brokers.ts'
import type { TestAws } from '../../support/fauxqs.ts'
import { amqp10Client } from '../clients/amqp10.ts'
import type { Client } from '../clients/client.ts'
import type { VariantKey } from '../table.ts'
import { type Variant, variants } from '../variants.ts'

export type EndKey = VariantKey | 'amqp10-activemq-jms'

/** A protocol as one broker speaks it: those of the table, and ActiveMQ where it turns messages into those of JMS. */
export interface End extends Omit<Variant, 'key' | 'open'> {
  readonly key: EndKey
  /** One that not every installation of the broker has. */
  readonly port?: string
  open(broker: Broker | undefined, aws: TestAws): Promise<Client>
}

const jms: End = {
  key: 'amqp10-activemq-jms',
  title: 'amqp10 (activemq, transport.transformer=jms)',
  broker: 'activemq',
  canBeSource: true,
  port: 'amqpJms',
  open: broker =>
    amqp10Client(
      { ...broker!, ports: { ...broker!.ports, amqp: broker!.ports.amqpJms! } },
      place => `queue://${place}`,
    ),
}

export const ends: readonly End[] = [...variants, jms]
