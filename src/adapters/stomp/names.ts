import { propertiesName } from '../shared/carriage/properties.ts'
import { shelter } from '../shared/carriage/shelter.ts'

/** Headers of SEND and MESSAGE that STOMP, ActiveMQ, Artemis or RabbitMQ read, write or drop (tried out on each). */
const reserved: ReadonlySet<string> = new Set(
  `destination content-length content-type content-encoding receipt message-id amqp-message-id transaction persistent
  priority expires expiration reply-to correlation-id type timestamp user-id app-id ack subscription redelivered
  original-destination transformation transformation-error amq-msg-type destination-type CC BCC durable exclusive
  auto-delete x-queue-type x-message-ttl x-expires x-max-length x-max-length-bytes x-max-priority x-overflow
  x-dead-letter-exchange x-dead-letter-routing-key x-single-active-consumer x-queue-name`
    .split(/\s+/)
    .concat('', propertiesName),
)

const reservedPrefix = /^(JMS|AMQ_|_AMQ_|activemq\.|sluice_header_)/

/** What a header is called on the wire: its own name, or one that nobody reads a meaning into. */
export const wireName = (name: string): string =>
  reserved.has(name) || reservedPrefix.test(name) ? shelter + name : name
