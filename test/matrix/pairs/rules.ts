import { bodyAsBytes } from '../../../src/adapters/shared/carriage/body.ts'
import { plainJson } from '../../../src/core/json/typed-json.ts'
import type { Body, Message } from '../../../src/core/message.ts'
import { isStructured, valueOfBody } from '../../../src/core/structured-body.ts'
import type { Entry, Value } from '../../../src/core/value.ts'
import { shown, shownBody } from '../show.ts'
import { type Difference, differences, gone } from './compare.ts'
import type { EndKey } from './ends.ts'

/** What is not as it was and no mistake, and the words of docs/fidelity.md that say so. */
interface Rule {
  readonly words: string
  readonly at: readonly EndKey[]
  readonly allows: (difference: Difference, was: Message, is: Message) => boolean
}

const stomp = ['stomp-activemq', 'stomp-artemis', 'stomp-rabbitmq4'] as const
const jmsStomp = ['stomp-activemq', 'stomp-artemis'] as const
const amqp10 = ['amqp10-activemq', 'amqp10-activemq-jms', 'amqp10-artemis', 'amqp10-rabbitmq4'] as const

const added =
  (name: string, value: RegExp): Rule['allows'] =>
  ({ part, name: found, was, is }) =>
    part === 'property' && found === name && was === gone && value.test(is)

const identified =
  'SQS, SNS, and over STOMP ActiveMQ and Artemis, give a message that has none a `messageId` and a `createdAt`.'

export const rules: readonly Rule[] = [
  {
    words: 'A message that does not say whether it is `durable` is, except from SQS and SNS.',
    at: [...amqp10, 'amqp091', 'mqtt5', ...stomp],
    allows: added('durable', /^true$/),
  },
  { words: identified, at: ['sqs', 'sns', ...jmsStomp], allows: added('messageId', /^string "[\w:-]+"$/) },
  { words: identified, at: ['sqs', 'sns', ...jmsStomp], allows: added('createdAt', /^\d{13}$/) },
  {
    words: 'Over STOMP, ActiveMQ and Artemis give a message that has none the `priority` 4.',
    at: jmsStomp,
    allows: added('priority', /^4$/),
  },
  {
    words: 'A serialised Java object without a `contentType` has that of JMS when it comes by AMQP 1.0.',
    at: amqp10,
    allows: (d, was, is) =>
      was.body.kind === 'object' &&
      added('contentType', /^"application\/x-java-serialized-object"$/)(d, was, is),
  },
  {
    words: 'ActiveMQ with `transport.transformer=jms` gives a message that has none a `messageId`.',
    at: ['amqp10-activemq-jms'],
    allows: added('messageId', /^string "ID:[\w.:-]+"$/),
  },
  {
    words: 'It does not tell the `priority` 4, which messages without one have,',
    at: ['amqp10-activemq-jms'],
    allows: ({ part, name, was, is }) =>
      part === 'property' && name === 'priority' && was === '4' && is === gone,
  },
  {
    words: 'and does not keep the order of the keys of a map.',
    at: ['amqp10-activemq-jms'],
    allows: ({ part }, was, is) => part === 'body' && sortedBody(was) === sortedBody(is),
  },
]

/** Why a message may be refused, as the reason of its dead letter says it. */
interface Refusal {
  readonly words: string
  readonly at: readonly EndKey[]
  readonly reason: RegExp
}

const name = 'Any other name that a target does not take refuses the message'

export const refusals: readonly Refusal[] = [
  { words: name, at: amqp10, reason: /^AMQP 1\.0 cannot carry the name of the header "/ },
  { words: name, at: amqp10, reason: /^the header sluice_properties would be taken for Sluice's own/ },
  { words: name, at: ['mqtt5'], reason: /^the header sluice_properties would be taken for Sluice's own/ },
  { words: name, at: ['mqtt5'], reason: /^the header ".*" cannot be a user property of MQTT: its name is /s },
  {
    words: name,
    at: ['amqp091'],
    reason: /^the header ".*" has a name of more than 255 bytes, or no Unicode text$/s,
  },
  {
    words: name,
    at: stomp,
    reason:
      /^STOMP cannot carry the header ".*": (its name has characters|this name cannot|RabbitMQ takes names)/s,
  },
  {
    words: 'MQTT 3.1.1 refuses text with half a surrogate pair',
    at: ['mqtt311'],
    reason: /^the text has half a surrogate pair, which UTF-8 does not know$/,
  },
]

/** The words that no reason for this refusal stands in. */
export const isKnownRefusal = (key: EndKey, reason: string): boolean =>
  refusals.some(({ at, reason: known }) => at.includes(key) && known.test(reason))

/** What is not as it has to be where Sluice reads, in a route, what it has written to this protocol. */
export function mistakes(key: EndKey, route: string, was: Message, is: Message): readonly Difference[] {
  const expected = passed(route, key === 'mqtt311' ? bare(was) : was)
  const known = rules.filter(({ at }) => at.includes(key))
  return differences(expected, is).filter(d => !known.some(({ allows }) => allows(d, was, is)))
}

/** The message with the trail that it has in the route. */
export const passed = (route: string, message: Message): Message => {
  const { trail } = message.properties
  const own = `sluice/${route}`
  return {
    ...message,
    properties: { ...message.properties, trail: trail === undefined ? own : `${trail} ${own}` },
  }
}

/** "From MQTT 3.1.1, the body comes back as bytes, without headers and properties", but for its QoS. */
const bare = ({ body }: Message): Message => ({
  address: '',
  body: { kind: 'bytes', bytes: bytesOf(body) },
  headers: {},
  properties: { durable: true },
})

const bytesOf = (body: Body): Uint8Array =>
  isStructured(body) ? Buffer.from(plainJson(valueOfBody(body))) : bodyAsBytes(body).bytes

function sortedBody({ body }: Message): string {
  return isStructured(body) ? shown(sorted(valueOfBody(body))) : shownBody(body)
}

function sorted(value: Value): Value {
  if (value.type === 'list') return { type: 'list', value: value.value.map(sorted) }
  if (value.type !== 'map') return value
  const entries = value.value.map(([key, item]): Entry => [sorted(key), sorted(item)])
  return { type: 'map', value: entries.toSorted(([a], [b]) => (shown(a) < shown(b) ? -1 : 1)) }
}
