import type { FaultName } from './faults.ts'
import type { Scenario } from './scenario.ts'
import type { Lane } from './schedule.ts'

const network = ['cut', 'mid-frame', 'stall', 'half-open', 'away', 'latency-100ms', 'latency-2s'] as const
const service = ['error-503', 'throttled', 'partly-failing', 'answers-lost', 'silent'] as const

/** One fault at a time; each is followed until all has arrived. */
const alone = (where: Lane['where'], ...faults: readonly FaultName[]): readonly Lane[] => [
  { where, faults, recovers: true, pause: [500, 2_000] },
]
/** At random moments, one soon after the other, without waiting for anything. */
const often = (where: Lane['where'], ...faults: readonly FaultName[]): Lane => ({
  where,
  faults,
  recovers: false,
  pause: [0, 3_000],
})
/** Mostly while the target is away; those at any moment meet the bridge as it starts, too. */
const kills: Lane = { ...often('bridge', 'kill-unsettled', 'kill-unsettled', 'kill'), pause: [0, 1_000] }
/** Seldom enough that the bridge sends in between. */
const unavailable: Lane = { ...often('target', 'error-503'), pause: [6_000, 12_000] }
/** Everything at once. */
const mixed = (source: readonly FaultName[], target: readonly FaultName[]): readonly Lane[] => [
  { ...often('bridge', 'kill', 'sigterm', 'kill', 'clock'), pause: [2_000, 8_000] },
  { ...often('source', ...source), pause: [1_000, 6_000] },
  { ...often('target', ...target), pause: [1_000, 6_000] },
]

const usual = { isOrdered: false, rate: 100 }
const ordered = { isOrdered: true, rate: 100 }
/** Two FIFO queues of one emulation in the process of the harness take no more. */
const slow = { isOrdered: true, rate: 30 }

/** A full run does all of them. */
export const scenarios: readonly Scenario[] = [
  { ...usual, name: 'kill-to-sqs', from: 'rabbitmq4-amqp10', to: 'sqs', lanes: [kills] },
  { ...ordered, name: 'kill-to-fifo', from: 'rabbitmq4-amqp091', to: 'sqs-fifo', lanes: [kills] },
  { ...usual, name: 'kill-mqtt-to-sqs', from: 'mosquitto-mqtt5', to: 'sqs', lanes: [kills] },
  { ...usual, name: 'kill-from-sqs', from: 'sqs', to: 'rabbitmq4-amqp091', lanes: [kills] },
  { ...usual, name: 'kill-between', from: 'activemq-stomp', to: 'artemis-amqp10', lanes: [kills] },
  {
    ...usual,
    name: 'network-to-sqs',
    from: 'rabbitmq3-amqp091',
    to: 'sqs',
    lanes: alone('source', ...network),
  },
  {
    ...ordered,
    name: 'network-to-fifo',
    from: 'activemq-amqp10',
    to: 'sqs-fifo',
    lanes: alone('source', ...network),
  },
  {
    ...usual,
    name: 'network-mqtt-to-sqs',
    from: 'mosquitto-mqtt5',
    to: 'sqs',
    lanes: alone('source', ...network),
  },
  {
    ...usual,
    name: 'network-from-sqs',
    from: 'sqs',
    to: 'artemis-amqp10',
    lanes: alone('target', ...network),
  },
  {
    ...usual,
    name: 'network-between',
    from: 'rabbitmq4-amqp091',
    to: 'activemq-amqp10',
    lanes: alone('target', ...network),
  },
  {
    ...ordered,
    name: 'aws-to-fifo',
    from: 'rabbitmq4-amqp091',
    to: 'sqs-fifo',
    lanes: alone('target', ...service),
  },
  { ...usual, name: 'aws-from-sqs', from: 'sqs', to: 'mosquitto-mqtt5', lanes: alone('source', ...service) },
  {
    ...slow,
    name: 'aws-fifo-to-fifo',
    from: 'sqs-fifo',
    to: 'sqs-fifo',
    lanes: alone('target', ...service),
  },
  { ...usual, name: 'denied', from: 'rabbitmq4-amqp091', to: 'sqs', lanes: alone('target', 'denied') },
  {
    ...usual,
    name: 'restart-rabbitmq3',
    from: 'rabbitmq3-amqp091',
    to: 'sqs',
    lanes: alone('source', 'restart'),
  },
  {
    ...ordered,
    name: 'restart-rabbitmq4',
    from: 'rabbitmq4-amqp091',
    to: 'sqs-fifo',
    lanes: alone('source', 'restart'),
  },
  {
    ...usual,
    name: 'restart-activemq',
    from: 'activemq-stomp',
    to: 'sqs',
    lanes: alone('source', 'restart'),
  },
  { ...usual, name: 'restart-artemis', from: 'sqs', to: 'artemis-amqp10', lanes: alone('target', 'restart') },
  {
    ...usual,
    name: 'restart-mosquitto',
    from: 'mosquitto-mqtt5',
    to: 'sqs',
    lanes: alone('source', 'restart'),
  },
  { ...usual, name: 'alarm', from: 'sqs', to: 'rabbitmq3-amqp091', lanes: alone('target', 'alarm') },
  { ...usual, name: 'sigterm', from: 'artemis-amqp10', to: 'sqs', lanes: [often('bridge', 'sigterm')] },
  { ...ordered, name: 'clock', from: 'rabbitmq4-amqp091', to: 'sqs-fifo', lanes: alone('bridge', 'clock') },
  {
    ...usual,
    name: 'disk-full',
    from: 'mosquitto-mqtt5',
    to: 'sqs',
    hasDisk: true,
    lanes: [often('bridge', 'disk-full', 'kill-unsettled', 'kill-unsettled'), unavailable],
  },
  {
    ...ordered,
    name: 'disk-to-fifo',
    from: 'rabbitmq4-amqp091',
    to: 'sqs-fifo',
    hasDisk: true,
    lanes: [kills, unavailable],
  },
  {
    ...ordered,
    name: 'mixed-to-fifo',
    from: 'rabbitmq4-amqp091',
    to: 'sqs-fifo',
    lanes: mixed(network, [...network, ...service]),
  },
  {
    ...slow,
    name: 'mixed-from-fifo',
    from: 'sqs-fifo',
    to: 'rabbitmq4-amqp091',
    lanes: mixed([...network, ...service], network),
  },
  {
    ...usual,
    name: 'mixed-between',
    from: 'mosquitto-mqtt5',
    to: 'rabbitmq3-amqp091',
    lanes: mixed(network, [...network, 'alarm']),
  },
]
