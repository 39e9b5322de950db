import { randomUUID } from 'node:crypto'
import { stringify } from 'yaml'
import { memoryQueue } from '../../../src/adapters/memory/queue.ts'
import { Bridge } from '../../../src/bridge.ts'
import { loadText } from '../../../src/config/load.ts'
import type { RouteEvent } from '../../../src/core/events.ts'
import type { Message } from '../../../src/core/message.ts'
import { text } from '../../../src/core/value.ts'
import { type DeadLetter, readRecord } from '../../../src/route/dead-letter/record.ts'
import type { Broker } from '../../support/brokers.ts'
import { startAws, type TestAws } from '../../support/fauxqs.ts'
import { until } from '../../support/until.ts'
import type { Client } from '../clients/client.ts'
import { links } from '../run.ts'
import type { End, EndKey } from './ends.ts'
import { numberName } from './messages.ts'

/** What became of one message on its way from a source to a target, or to where it is read before it goes there. */
export interface Fate {
  /** As Sluice read it there; more than once where an answer was late, since everything is sent at least once. */
  readonly messages: readonly Message[]
  readonly letter?: DeadLetter
}

/** `chain` is where the messages begin. */
type Step = `${EndKey | 'chain'} ${EndKey}`

/** A batch of messages at the end of all their ways. */
export interface Carried {
  /** How it was read at the source, where Sluice's own sink has written it. */
  read(source: EndKey, number: number): Fate
  /** How it was read at the target. */
  arrived(source: EndKey, number: number, target: EndKey): Fate
  /** Links that went down meanwhile, and sends that failed through no fault of the message's; each once. */
  readonly troubles: readonly string[]
}

/** Milliseconds without anything new until nothing is waited for any more, and for all in all. */
const patience = 20_000
const longest = 90_000

const nothing: Fate = { messages: [] }
export const chain = 'chain'
export const fromRoute = (key: EndKey) => `from-${key}`
export const backRoute = (key: EndKey) => `back-${key}`

/**
 * One bridge for each part of the way: from this process to every source, from every source to every target, and from every
 * target into this process.
 */
export class Pairs implements AsyncDisposable {
  readonly #aws: TestAws
  readonly #clients = new Map<End, Client>()
  readonly #bridges: Bridge[] = []
  readonly #run = randomUUID().slice(0, 8)
  readonly #events: RouteEvent[] = []
  readonly #fates = new Map<string, Fate>()

  private constructor(aws: TestAws) {
    this.#aws = aws
  }

  static async open(present: ReadonlyMap<End, Broker | undefined>): Promise<Pairs> {
    const pairs = new Pairs(await startAws())
    try {
      await pairs.#open(present)
      return pairs
    } catch (error) {
      await pairs[Symbol.asyncDispose]()
      throw error
    }
  }

  async #open(present: ReadonlyMap<End, Broker | undefined>): Promise<void> {
    for (const [variant, broker] of present) {
      const client = await variant.open(broker, this.#aws)
      this.#clients.set(variant, client)
      if (variant.canBeSource) await client.make(this.#place(variant.key, 'in'))
      await client.make(this.#place(variant.key, 'back'))
    }
    const configs = this.#configurations().map(c => loadText('pairs.yaml', stringify(c)).config)
    for (const config of configs) this.#bridges.push(new Bridge(config, event => this.#events.push(event)))
    this.#listen()
    for (const bridge of this.#bridges) bridge.start()
    const routes = configs.flatMap(c => c.routes)
    await until(() => links(routes, this.#events), { what: 'every link', timeout: 30_000 })
  }

  /** Resolves when each has arrived or was refused everywhere, or when nothing more comes. */
  async carry(messages: readonly Message[]): Promise<Carried> {
    this.#fates.clear()
    this.#events.length = 0
    messages.forEach((message, n) => {
      const headers = { ...message.headers, [numberName]: text(String(n)) }
      memoryQueue(this.#memory(chain)).put({ ...message, headers })
    })
    let known = -1
    let since = performance.now()
    const isOver = () => {
      if (this.#fates.size !== known) since = performance.now()
      known = this.#fates.size
      return this.#isOver(messages.length) || performance.now() - since > patience
    }
    await until(isOver, { what: 'the last message', timeout: longest, every: 50 }).catch(() => {})
    const fates = new Map(this.#fates)
    return {
      read: (source, n) => fates.get(`${chain} ${source} ${n}`) ?? nothing,
      arrived: (source, n, target) => fates.get(`${source} ${target} ${n}`) ?? nothing,
      troubles: [...new Set(this.#events.flatMap(troubleOf))],
    }
  }

  #isOver(count: number): boolean {
    for (const { key: source, canBeSource } of this.#clients.keys()) {
      if (!canBeSource) continue
      for (let n = 0; n < count; n++) {
        const read = this.#fates.get(`${chain} ${source} ${n}`)
        if (!read) return false
        if (read.letter) continue
        for (const { key } of this.#clients.keys())
          if (!this.#fates.has(`${source} ${key} ${n}`)) return false
      }
    }
    return true
  }

  #listen(): void {
    const listen = (name: string, came: (message: Message) => void) =>
      memoryQueue(this.#memory(name)).join({
        offer: ({ message }) => {
          came(message)
          return true
        },
        cut: () => {},
      })
    for (const { key, canBeSource } of this.#clients.keys()) {
      // Both come as `SOURCE.NUMBER`.
      if (canBeSource) listen(`read-${key}`, m => this.#add(`${chain} ${key}`, numberIn(m).split('.')[1]!, m))
      listen(backRoute(key), m => {
        const [source, n] = numberIn(m).split('.') as [EndKey, string]
        this.#add(`${source} ${key}`, n, m)
      })
    }
    listen('dead', m => this.#addLetter(readRecord((m.body as { text: string }).text)))
  }

  #add(step: Step, number: string, came: Message | DeadLetter): void {
    const id = `${step} ${number}`
    const fate = this.#fates.get(id) ?? nothing
    const more = 'reason' in came ? { letter: came } : { messages: [...fate.messages, came] }
    this.#fates.set(id, { ...fate, ...more })
  }

  /** A letter without a target is of all that the route has. */
  #addLetter(letter: DeadLetter): void {
    const { route, target, message } = letter
    const id = numberIn(message) || message.address.slice(message.address.lastIndexOf('/') + 1)
    if (route.startsWith('back-')) {
      const [source, n] = id.split('.') as [EndKey, string]
      this.#add(`${source} ${route.slice(5) as EndKey}`, n, letter)
      return
    }
    const from = route === chain ? chain : (route.slice(5) as EndKey)
    const all = Array.from(this.#clients.keys(), end => end.key)
    for (const to of target === '' ? all : [target as EndKey]) this.#add(`${from} ${to}`, id, letter)
  }

  #place = (key: string, role: 'in' | 'back') => `pairs-${this.#run}-${role}-${key}`
  /** Sessions of MQTT have its name: another run of this test must not take them over. */
  #connection = (key: string) => `${key}-${this.#run}`
  #memory = (name: string) => `pairs-${this.#run}-${name}`

  #configurations() {
    const here = (queue: string) => ({ connection: 'here', queue: this.#memory(queue) })
    const all = Array.from(this.#clients, ([variant, client]) => ({ ...variant, client }))
    const sources = all.filter(v => v.canBeSource)
    const named = (name: string) => [{ set: { headers: { [numberName]: name } } }]
    const numberAt = (key: string) =>
      key === 'mqtt311' ? '${$split(address, "/")[-1]}' : `\${headers.${numberName}}`
    const targets = (role: 'in' | 'back', among: typeof all) =>
      Object.fromEntries(
        among.map(({ key, client }) => [
          key,
          { connection: this.#connection(key), ...client.sink(this.#place(key, role)) },
        ]),
      )
    const common = {
      defaults: {
        dead_letter: [here('dead')],
        // Names that a target does not take are many here.
        dead_letter_pause: { of_last: 100_000, at_least: 100_000 },
        retry: { max_attempts: 2 },
      },
      connections: {
        here: { protocol: 'memory' },
        ...Object.fromEntries(all.map(({ key, client }) => [this.#connection(key), client.connection])),
      },
    }
    const from = sources.map(({ key, client }) => [
      fromRoute(key),
      {
        from: { connection: this.#connection(key), ...client.source(this.#place(key, 'in')) },
        mapping: named(`${key}.${numberAt(key)}`),
        targets: { ...targets('back', all), here: here(`read-${key}`) },
      },
    ])
    const back = all.map(({ key, client }) => [
      backRoute(key),
      {
        // What goes to SNS is read from a queue.
        from: {
          connection: this.#connection(key === 'sns' ? 'sqs' : key),
          ...client.source(this.#place(key, 'back')),
        },
        ...(key === 'mqtt311' && { mapping: named(numberAt(key)) }),
        targets: { here: here(backRoute(key)) },
      },
    ])
    return [
      { ...common, routes: { [chain]: { from: here(chain), targets: targets('in', sources) } } },
      { ...common, routes: Object.fromEntries(from) },
      { ...common, routes: Object.fromEntries(back) },
    ]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const deadline = AbortSignal.timeout(5_000)
    await Promise.all(this.#bridges.map(bridge => bridge.stop(deadline)))
    for (const client of this.#clients.values()) await client.close()
    await this.#aws[Symbol.asyncDispose]()
  }
}

const numberIn = ({ headers }: Message): string => {
  const number = headers[numberName]
  return number?.type === 'string' ? number.value : ''
}

/** Without what differs each time, such as the milliseconds that are left. */
function troubleOf(event: RouteEvent): string[] {
  const { route } = event
  const say = (what: string, error?: Error) => [`${route} ${what}: ${error?.message ?? 'no reason'}`]
  switch (event.type) {
    case 'link_down':
      return say(`lost its link ${event.link}`, event.error)
    case 'dead_letter_failed':
    case 'unexpected':
    case 'lost':
      return say(event.type, event.error)
    case 'expired':
    case 'dropped':
    case 'paused':
      return say(event.type)
    default:
      return []
  }
}
