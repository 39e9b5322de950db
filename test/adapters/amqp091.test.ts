import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { rabbitFixture, running, titles } from './amqp091-brokers.ts'
import { quorum } from './amqp091-rabbit.ts'
import { amqp091Behaviour } from './amqp091-suite.ts'
import { sourceConformance } from './conformance.ts'

for (const [name, queue] of [
  ['rabbitmq3', {}],
  ['rabbitmq4', quorum],
] as const) {
  const broker = running(name)
  const unavailable = !broker && `${name} is not running: scripts/brokers up ${name}`
  sourceConformance({
    title: `AMQP 0-9-1 on ${name}`,
    adapter: amqp091,
    examples: titles,
    fixture: () => rabbitFixture(broker!, queue),
    unavailable,
  })
  amqp091Behaviour(name, () => broker!, unavailable)
}
