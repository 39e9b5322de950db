import type { Properties } from '../../core/message.ts'
import type { Version } from './codec.ts'
import type { Broker } from './dialect.ts'

/** The properties that a broker has a header for, and which of them can be read there again as they were. */
export interface WrittenProperties {
  readonly headers: readonly (readonly [string, string])[]
  readonly places: ReadonlySet<keyof Properties>
}

/** Can a header's value be this text as it is? A NUL ends the frame, and only STOMP 1.2 escapes a carriage return. */
export const takesText = (version: Version, text: string): boolean =>
  text.isWellFormed() &&
  !text.includes('\0') &&
  (version === '1.2' || !/[\r]/.test(text)) &&
  (version !== '1.0' || !text.includes('\n'))

/** RabbitMQ makes short strings of AMQP 0-9-1 of them. */
const maxShort = 255

export function propertyHeaders(broker: Broker, properties: Properties): WrittenProperties {
  const headers: (readonly [string, string])[] = []
  const places = new Set<keyof Properties>()
  const isRabbit = broker === 'rabbitmq'
  const write = (name: keyof Properties, header: string, value: string, isPlace = true) => {
    if (value === '' || !takesText('1.0', value)) return
    if (isRabbit && Buffer.byteLength(value) > maxShort) return
    headers.push([header, value])
    if (isPlace) places.add(name)
  }
  const { messageId, correlationId, replyTo, contentType, contentEncoding, subject, groupId } = properties
  // On RabbitMQ a receipt is a confirmation of persistent messages alone.
  if (isRabbit || properties.durable !== false) headers.push(['persistent', 'true'])
  if (properties.durable === true) places.add('durable')
  if (correlationId?.type === 'string') write('correlationId', 'correlation-id', correlationId.value)
  if (replyTo !== undefined && isReplyTo(broker, replyTo)) write('replyTo', 'reply-to', replyTo)
  if (contentType !== undefined) write('contentType', 'content-type', contentType)
  if (subject !== undefined) write('subject', 'type', subject)
  // ActiveMQ reads both, and tells consumers over STOMP of neither.
  const tellsGroups = broker !== 'activemq'
  if (groupId !== undefined) write('groupId', 'JMSXGroupID', groupId, tellsGroups)
  writeNumbers(properties, broker, (name, header, value, isPlace) =>
    write(name, header, String(value), isPlace),
  )
  if (isRabbit) {
    if (messageId?.type === 'string') write('messageId', 'amqp-message-id', messageId.value)
    if (contentEncoding !== undefined) write('contentEncoding', 'content-encoding', contentEncoding)
    if (properties.appId !== undefined) write('appId', 'app-id', properties.appId)
  }
  return { headers, places }
}

function writeNumbers(
  { priority, groupSequence, expiresAt, createdAt }: Properties,
  broker: Broker,
  write: (name: keyof Properties, header: string, value: number, isPlace?: boolean) => void,
): void {
  if (isWhole(priority, 0, 9)) write('priority', 'priority', priority)
  if (isWhole(groupSequence, 0, 2 ** 31 - 1))
    write('groupSequence', 'JMSXGroupSeq', groupSequence, broker !== 'activemq')
  if (broker !== 'rabbitmq' && expiresAt !== undefined) {
    const at = Math.max(1, Math.round(expiresAt))
    // Past 64 bits the brokers cannot read it, and past 2^53 it would not come back as it was.
    if (Number.isSafeInteger(at)) write('expiresAt', 'expires', at, at === expiresAt)
  }
  // Whole seconds, as AMQP 0-9-1 has it.
  if (broker === 'rabbitmq' && isWhole(createdAt, 1, Number.MAX_SAFE_INTEGER) && createdAt % 1000 === 0)
    write('createdAt', 'timestamp', createdAt / 1000)
}

const isWhole = (n: number | undefined, low: number, high: number): n is number =>
  n !== undefined && Number.isInteger(n) && n >= low && n <= high

/**
 * Would the broker hand this reply address on as it is? `/temp-queue/x` would be made a queue of our own connection;
 * ActiveMQ takes a comma for the end of one address, and RabbitMQ reads no paths but its own.
 */
function isReplyTo(broker: Broker, address: string): boolean {
  if (broker === 'artemis') return true
  if (/^\/temp-(queue|topic)\//.test(address)) return false
  if (broker !== 'rabbitmq') return !address.includes(',')
  return /^\/(queue|amq\/queue|topic|reply-queue|exchange)\/[^/%]+$|^\/exchange\/[^/%]+\/[^/%]+$/.test(
    address,
  )
}
