import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Bridge } from '../src/bridge.ts'
import { load } from '../src/config/load.ts'
import { sentence } from '../src/core/errors.ts'
import type { RouteEvent } from '../src/core/events.ts'
import { startAmqpBroker } from './amqp-broker.ts'
import { startCloud } from './cloud.ts'
import { startMqttBroker } from './mqtt-broker.ts'
import { openShop } from './shop.ts'
import { createTable } from './table.ts'
import { createTraffic } from './traffic.ts'

/** Runs `config/demo.yaml` against brokers and a cloud of its own; `--once` carries a fixed number of messages and counts them. */
const { values: options } = parseArgs({ options: { once: { type: 'boolean', default: false } } })

const [amqp, mqtt, cloud] = await Promise.all([startAmqpBroker(), startMqttBroker(), startCloud()])
const folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'))
Object.assign(process.env, {
  DEMO_AMQP_URL: `amqp://127.0.0.1:${amqp.port}`,
  DEMO_REPLY_SECRET: randomUUID(),
  DEMO_MQTT_URL: mqtt.url,
  DEMO_AWS_URL: cloud.address,
  DEMO_FOLDER: folder,
})
const { config } = await load(join(import.meta.dirname, '../config/demo.yaml'))
const shop = await openShop(amqp.port)
const traffic = createTraffic(amqp, mqtt, cloud, shop)
const table = createTable(
  config.routes.map(r => r.name),
  route => bridge.status().get(route)?.source.messages ?? 0,
)
let latest = 'Ctrl-C drains and prints the totals.'
const bridge = new Bridge(config, event => {
  table.count(event)
  latest = worthSaying(event) ?? latest
})
bridge.start()
await connected()
const stopped = options.once ? once() : forever()
process.exitCode = await stopped
await mqtt.close()
shop.close()
amqp.close()
await cloud.close()
await rm(folder, { recursive: true })

/** Carries 1,000 messages to the cloud, 100 back and 100 questions with their answers, and counts what really arrived. */
async function once(): Promise<number> {
  const made = { orders: 400, telemetry: 500, alarms: 100, commands: 100, questions: 100 }
  for (let i = 0; i < made.orders; i++) traffic.order()
  for (let i = 0; i < made.telemetry; i++) traffic.telemetry()
  for (let i = 0; i < made.alarms; i++) traffic.alarm()
  for (let i = 0; i < made.questions; i++) traffic.question()
  await traffic.commands(made.commands)
  const arrived = () => cloud.arrived('orders') + cloud.arrived('telemetry') + cloud.arrived('alarms')
  const lost = () => 1_200 - arrived() - mqtt.commanded - shop.answered
  // A question is carried twice: to the service, and its answer back.
  await wait(() => lost() === 0 && table.total('settled') === 1_300, 60_000)
  await bridge.stop(AbortSignal.timeout(10_000))
  table.draw('')
  const [received, sent] = [table.total('received'), table.total('sent')]
  process.stdout.write(
    `demo: ${received} received, ${sent} sent, ${arrived()} arrived, ${mqtt.commanded} back, ` +
      `${shop.answered} replies, ${lost()} lost\n`,
  )
  return received === 1_300 && lost() === 0 && shop.wrong === 0 ? 0 : 1
}

/** Keeps traffic flowing until Ctrl-C, then drains. */
async function forever(): Promise<number> {
  const began = Date.now()
  let tick = 0
  const making = setInterval(() => {
    tick++
    for (let i = 0; i < 4; i++) traffic.order()
    for (let i = 0; i < 10; i++) traffic.telemetry()
    if (tick % 5 === 0) traffic.alarm()
    if (tick % 5 === 0) traffic.question()
    if (tick % 10 === 0)
      traffic.commands(10).catch(error => {
        latest = `sending commands: ${sentence(error)}`
      })
    if (tick % 50 === 0) traffic.noise()
  }, 50)
  const drawing = setInterval(() => table.draw(latest), process.stdout.isTTY ? 250 : 5_000)
  await new Promise<void>(resolve => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })
  clearInterval(making)
  latest = 'draining …'
  await bridge.stop(AbortSignal.timeout(10_000))
  clearInterval(drawing)
  const seconds = Math.round((Date.now() - began) / 1000)
  table.draw(
    `demo: ${table.total('received')} received, ${table.total('sent')} sent, ` +
      `${table.total('dead-lettered')} dead-lettered in ${seconds} s`,
  )
  return 0
}

/** Every link is up: what is published before would pass an MQTT subscription by. */
async function connected(): Promise<void> {
  const up = () =>
    [...bridge.status().values()].every(
      r => r.source.up && Object.values(r.targets).every(target => target.up),
    )
  if (!(await wait(up, 20_000))) throw new Error(`the demo did not connect: ${latest}`)
}

/** Looks until it holds or the time (ms) is over; says whether it held. */
async function wait(holds: () => boolean, limit: number): Promise<boolean> {
  const end = Date.now() + limit
  while (!holds() && Date.now() < end) await new Promise(resolve => setTimeout(resolve, 20))
  return holds()
}

function worthSaying(event: RouteEvent): string | undefined {
  switch (event.type) {
    case 'link_down':
      return `${event.route}: ${event.link} not connected${event.error ? `: ${sentence(event.error)}` : ''}`
    case 'dead_lettered':
      return `${event.route}: dead letter in ${event.to}: ${event.reason}`
    case 'breaker':
      return `${event.route}: breaker ${event.state.replace('_', ' ')}`
    case 'notice':
      return `${event.route}: ${event.text}`
    default:
      return undefined
  }
}
