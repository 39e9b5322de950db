import { sentence } from '../../core/errors.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import { StompConnection } from './connection.ts'
import { destinationOf } from './dialect.ts'
import type { StompPrepared } from './encode.ts'
import type { ConnectionOptions } from './options.ts'

export type Presence = 'there' | 'missing' | 'unknown'

/** How long an answer is believed, and how many are kept. */
const fresh = 5 * 60_000
const most = 10_000

/** Connections that ask, at the most. */
const atOnce = 16

/**
 * RabbitMQ confirms what is sent to a queue that does not exist, and drops it: STOMP has no `mandatory`. So each queue is
 * asked after before the first message goes there, and again now and then.
 *
 * STOMP cannot ask either. But a declaration with an argument that can never be right is refused in one way where the
 * queue exists (its arguments are others) and in another where it does not (the argument is invalid); both leave
 * everything as it was. It is said in a transaction, which never ends, so that nothing could be published. As each
 * refusal ends the connection, it is one of its own. Without the permission to configure the queue nothing is known.
 */
export class RabbitQueues {
  readonly #options: ConnectionOptions
  readonly #signal: AbortSignal
  readonly #known = new Map<string, { readonly presence: Presence; readonly until: number }>()
  readonly #asking = new Map<string, Promise<Presence>>()

  constructor(options: ConnectionOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  /** What is known of it, at once; undefined at first, when `ask` has to be waited for. */
  look(queue: string): Presence | undefined {
    const known = this.#known.get(queue)
    if (known && known.until < performance.now()) void this.ask(queue)
    return known?.presence
  }

  /** Asks for the first queues among these messages of which nothing is known, a few at a time. Never rejects. */
  async askFor(sends: Iterable<{ readonly prepared: StompPrepared }>): Promise<void> {
    const names = new Set<string>()
    for (const { prepared } of sends) {
      const { unseen } = prepared.target
      if (unseen !== undefined && !this.#known.has(unseen)) names.add(unseen)
      if (names.size >= atOnce) break
    }
    await Promise.all(Array.from(names, name => this.ask(name)))
  }

  /** Asks the broker. Never rejects: what cannot be known is unknown. */
  ask(queue: string): Promise<Presence> {
    let asking = this.#asking.get(queue)
    if (asking) return asking
    asking = this.#probe(queue)
      .catch((): Presence => 'unknown')
      .then(presence => {
        this.#asking.delete(queue)
        this.#known.delete(queue)
        this.#known.set(queue, { presence, until: performance.now() + fresh })
        if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value!)
        return presence
      })
    this.#asking.set(queue, asking)
    return asking
  }

  async #probe(queue: string): Promise<Presence> {
    const more = { clientId: undefined, maxMessageSize: 1024 * 1024 }
    const connection = await inTurn(this.#options.urls, this.#signal, url =>
      StompConnection.open(url, this.#options, more, this.#signal),
    )
    try {
      const destination = destinationOf('rabbitmq', { queue }).replace('/amq/queue/', '/queue/')
      const transaction = ['transaction', 'sluice'] as const
      connection.send('BEGIN', [transaction])
      connection.send('SEND', [['destination', destination], transaction, ['x-max-length', '-1']])
      const limit = this.#options.connect_timeout
      const said = sentence(await within(limit, 'asking after a queue', connection.closed, this.#signal))
      if (/inequivalent arg|resource_locked/i.test(said)) return 'there'
      return /invalid arg/i.test(said) ? 'missing' : 'unknown'
    } finally {
      void connection.close()
    }
  }
}

export const missing = (place: string): string =>
  `${place} does not exist on the broker, which would drop what is sent there: declare it`

export const unknown = (queue: string): string =>
  `whether queue ${queue} exists cannot be known without the permission to configure it, and RabbitMQ drops what is sent to one that does not`
