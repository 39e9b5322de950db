import type { Value } from '../../core/value.ts'
import { shelter } from '../shared/carriage/shelter.ts'
import { duplicateId } from './codec.ts'
import type { Sends } from './sends.ts'

/** What sources take for their own, whichever broker it comes from (openwire.ts). */
const read = new RegExp(`^(${shelter}|__HDR_|__AMQ_CID$)`)

/**
 * What ActiveMQ and Artemis read in application properties: ActiveMQ delays a message by them, gives it a group, and keeps one
 * for ever whose `JMS_AMQP_NATIVE` is no boolean (seen with 6.3.1); Artemis rejects one whose `_AMQ_DUPL_ID` is a number (2.40).
 */
const taken =
  /^(JMS_AMQP_|AMQ_SCHEDULED_|_AMQ_|JMSX|JMS(CorrelationID|DeliveryMode|Destination|Expiration|MessageID|Priority|Redelivered|ReplyTo|Timestamp|Type)$)/

/** What a header is called on the wire: its own name, or one that nobody reads a meaning into. */
export const wireName = (name: string, value: Value, sends: Sends): string =>
  read.test(name) || (sends.jms !== 'never' && taken.test(name) && !isOwnDuplicateId(name, value, sends))
    ? shelter + name
    : name

/** One that an application gave, so that the broker knows a message again. */
const isOwnDuplicateId = (name: string, { type }: Value, { deduplicates }: Sends): boolean =>
  deduplicates && name === duplicateId && type === 'string'
