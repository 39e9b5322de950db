import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Endpoint, Warning } from '../../core/adapter.ts'
import { isTemplate } from '../../core/template.ts'
import { belongs, events, sinkFormat, sourceFormat } from '../shared/cloudevents/options.ts'
import {
  brokerConnection,
  duration,
  sinkTimeout,
  sourceCredit,
  sourceSize,
  template,
} from '../shared/options.ts'
import { topicProblem } from './topics.ts'

const plain = { port: 1883, tls: false }
const secure = { port: 8883, tls: true }

export const connectionOptions = z.strictObject({
  ...brokerConnection({ mqtt: plain, mqtts: secure, 'mqtt+ssl': secure, tcp: plain, ssl: secure }),
  version: z
    .literal(['3.1.1', 5])
    .default('3.1.1')
    .describe(
      'version of the protocol. Headers need 5; ActiveMQ Classic knows 3.1.1 only; Artemis before ARTEMIS-5469 was fixed stalls with 5',
    ),
})

/** MQTT 3.1.1 and 5, section 4.7.1: a wildcard fills its level, `#` is the last one. */
const isFilter = (topic: string): boolean =>
  !topic.includes('\0') &&
  topic.split('/').every((l, i, all) => /^([^+#]*|\+)$/.test(l) || (l === '#' && i === all.length - 1))

export const sourceOptions = z.strictObject({
  topic: z
    .string()
    .min(1)
    .refine(isFilter, { error: 'expected a topic filter, where + fills a level and # the last one' })
    .refine(t => !t.startsWith('$share/'), { error: 'expected the filter alone: the group goes under share' })
    .describe('topic filter: + stands for one level, # at its end for all that follow'),
  share: z
    .string()
    .regex(/^[^/+#\0]+$/, { error: 'expected a name without /, + and #' })
    .optional()
    .describe('group of a shared subscription ($share), whose members divide the messages'),
  qos: z
    .literal([0, 1])
    .default(1)
    .describe('1: at least once. 0: the broker forgets a message as soon as it is sent'),
  session: z
    .enum(['persistent', 'clean'])
    .default('persistent')
    .describe('persistent: the broker keeps messages while the bridge is away. clean: it does not'),
  session_expiry: duration
    .prefault('7d')
    .describe('how long the broker is asked to keep the session while the bridge is away (version 5)'),
  client_id: z
    .string()
    .min(1)
    .optional()
    .describe('names the session; sluice-CONNECTION-ROUTE unless given. One client at a time may use it'),
  retained: z
    .enum(['skip', 'new', 'all'])
    .default('skip')
    .describe(
      'retained messages of the topic: none, once when the subscription is new, each time it is opened',
    ),
  format: sourceFormat,
  ...sourceCredit,
  ...sourceSize,
})

const target = template.refine(topic => isTemplate(topic) || topicProblem(topic) === undefined, {
  error: 'expected the name of a topic, which has no wildcards (+ and #) and no control characters',
})

export const sinkOptions = z
  .strictObject({
    topic: target.optional().describe('topic to publish to; ${…} in it stands for something of each message'),
    address: target
      .optional()
      .describe('in place of topic, for replies: ${address} is the response topic that a requester named'),
    qos: z
      .literal([0, 1, 2])
      .default(1)
      .describe(
        '1: at least once. 0: no guarantee. 2: as 1, at a round trip more, for who subscribes with 2',
      ),
    retain: z
      .boolean()
      .default(false)
      .describe('the broker keeps the last message of a topic; one without body deletes it'),
    client_id: z
      .string()
      .min(1)
      .optional()
      .describe(
        'names the connection, where access rules ask for it; a new name each time unless given. One client at a time may use it',
      ),
    format: sinkFormat,
    cloudevents: events,
    ...sinkTimeout,
  })
  .refine(belongs.holds, belongs.params)
  .refine(o => (o.topic === undefined) !== (o.address === undefined), {
    error: 'expected either topic or address',
  })

export type ConnectionOptions = z.output<typeof connectionOptions>
export type SourceOptions = z.output<typeof sourceOptions>
export type SourceAt = Endpoint<ConnectionOptions, SourceOptions>
export type SinkOptions = z.output<typeof sinkOptions>
export type SinkAt = Endpoint<ConnectionOptions, SinkOptions>

/** The topic of a target as it is written: one for all messages, or a template. */
export const addressOf = ({ options: { topic, address } }: SinkAt): string => topic ?? address!

/** Before version 5 a message is its body and nothing else. */
export const isHeaderless = ({ connection }: SinkAt): boolean => connection.version !== 5

/** Stays the same from one start to the next: the persistent session is found by it. */
export const clientIdOf = (at: SourceAt): string =>
  at.options.client_id ?? `sluice-${at.connectionName}-${at.route}`

/**
 * A session of its own that ends with its connection: the one of a running bridge is not taken over. It joins no group,
 * where it would be given messages that a member should have.
 */
export function onTrial(at: SourceAt): SourceAt {
  const { share: _, ...options } = at.options
  const client_id = `${clientIdOf(at)}-trial-${randomUUID().slice(0, 8)}`
  return { ...at, options: { ...options, session: 'clean', client_id } }
}

export const filterOf = ({ share, topic }: SourceOptions): string =>
  share === undefined ? topic : `$share/${share}/${topic}`

const DAY = 86_400_000

export function warnings({ connection, options }: SourceAt): readonly Warning[] {
  const { qos, session, session_expiry: expiry, retained, share } = options
  const persistent = session === 'persistent'
  const found: [boolean, keyof SourceOptions, string][] = [
    [
      qos === 0,
      'qos',
      'QoS 0 has no guarantee: what is published while the bridge is away, or faster than it can take, is lost',
    ],
    [
      qos === 1 && !persistent,
      'session',
      'a clean session is lost with its connection: what is published until it is opened again never arrives',
    ],
    [
      qos === 1 && persistent && connection.version === 5 && expiry > DAY,
      'session_expiry',
      'brokers may keep a session for less: RabbitMQ for one day unless mqtt.max_session_expiry_interval_seconds is raised',
    ],
    [
      share !== undefined && retained !== 'skip',
      'retained',
      'a shared subscription gets no retained messages',
    ],
  ]
  return remarks(found)
}

/** Messages of QoS 0 are lost in any case, which has a warning of its own. */
export const mayForget = ({ options: { qos, session } }: SourceAt): string | undefined =>
  qos === 0 || session === 'clean'
    ? undefined
    : 'while the bridge or its target is away the messages wait in a queue of the broker, and what does not fit is ' +
      'dropped there without a word: raise its limit (Mosquitto: max_queued_messages, 1000 unless set)'

export function sinkWarnings(at: SinkAt): readonly Warning[] {
  const { qos, topic, cloudevents } = at.options
  const place = topic === undefined ? 'address' : 'topic'
  return remarks([
    [
      qos === 0,
      'qos',
      'QoS 0 has no guarantee: a message counts as sent once it is written to the connection, and whatever happens then is not known',
    ],
    [
      isHeaderless(at),
      place,
      'MQTT 3.1.1 carries the body alone: headers, properties and the kind of the body are left behind (version: 5 on the ' +
        'connection carries them)',
    ],
    [
      isHeaderless(at) && cloudevents?.mode === 'binary',
      'cloudevents',
      'MQTT 3.1.1 has no headers for a binary event: it is written as a structured one (version: 5 on the connection has both)',
    ],
    [
      isHeaderless(at) && qos > 0,
      place,
      'MQTT 3.1.1 has no way to refuse a message: Mosquitto confirms what its access rules or its size limit forbid and drops ' +
        'it without a word (version: 5 on the connection makes it say so)',
    ],
  ])
}

const remarks = <K extends string>(found: readonly [boolean, K, string][]): readonly Warning[] =>
  found.filter(([holds]) => holds).map(([, key, text]) => ({ path: [key], text }))
