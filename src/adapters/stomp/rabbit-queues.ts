import { MessageRefused, SinkUnavailable, sentence } from '../../core/errors.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import { StompConnection } from './connection.ts'
import { destinationOf } from './dialect.ts'
import type { ConnectionOptions } from './options.ts'

/** What the broker says of a queue. Of one that is forbidden or reserved it does not say whether it is there. */
export type Presence = 'there' | 'missing' | 'forbidden' | 'reserved'

/** Milliseconds for which an answer is used, from when it was asked for, and how many answers are kept. */
const fresh = 2_000
const most = 10_000

/** Milliseconds before the end of an answer that is in use when the next is asked for: the least and the most. */
const ahead = [100, 500] as const

/** Connections that ask, at the most. */
const atOnce = 16

interface Known {
  readonly presence: Presence
  readonly until: number
  /** When to ask again, while there is an answer still. */
  renew: number
}

/**
 * RabbitMQ confirms what is sent to a queue that does not exist, and drops it: STOMP has no `mandatory`. So each queue is
 * asked after before a message goes there, and again every two seconds while messages do. What was sent to a queue that
 * went within these two seconds may be confirmed and lost.
 *
 * STOMP cannot ask either. But a declaration with an argument that can never be right is refused in one way where the
 * queue exists (its arguments are others) and in another where it does not (the argument is invalid); both leave
 * everything as it was. It is said in a transaction, which never ends, so that nothing could be published. As each
 * refusal ends the connection, it is one of its own. It takes the permission to configure the queue.
 */
export class RabbitQueues {
  readonly #options: ConnectionOptions
  readonly #signal: AbortSignal
  readonly #onAnswer: (queue: string, failure?: SinkUnavailable) => void
  readonly #known = new Map<string, Known>()
  readonly #asking = new Map<string, Promise<Presence>>()
  /** Those to be asked after as soon as fewer ask. */
  readonly #wanted = new Set<string>()

  /**
   * `onAnswer` is called when a question has ended, with the failure where nothing is known for want of an answer, and
   * never once the signal is aborted.
   */
  constructor(
    options: ConnectionOptions,
    signal: AbortSignal,
    onAnswer: (queue: string, failure?: SinkUnavailable) => void,
  ) {
    this.#options = options
    this.#signal = signal
    this.#onAnswer = onAnswer
  }

  /** What is known of it now. Undefined when it has to be asked for, which is begun: `onAnswer` follows. */
  look(queue: string): Presence | undefined {
    const known = this.#known.get(queue)
    const now = performance.now()
    const isFresh = known !== undefined && now < known.until
    if (!isFresh || known.renew <= now) {
      if (this.#asking.size < atOnce) this.ask(queue).catch(() => {})
      else if (!isFresh && !this.#asking.has(queue)) this.#wanted.add(queue)
    }
    return isFresh ? known.presence : undefined
  }

  /** Asks the broker. Throws SinkUnavailable when there is no answer. */
  ask(queue: string): Promise<Presence> {
    let asking = this.#asking.get(queue)
    if (asking) return asking
    this.#wanted.delete(queue)
    asking = this.#ask(queue)
    this.#asking.set(queue, asking)
    return asking
  }

  async #ask(queue: string): Promise<Presence> {
    let presence: Presence
    try {
      presence = await this.#learn(queue)
    } catch (cause) {
      const failure = new SinkUnavailable(`asking whether queue ${queue} exists`, { cause })
      const known = this.#known.get(queue)
      if (known) known.renew = known.until
      this.#ended(queue, known && performance.now() < known.until ? undefined : failure)
      throw failure
    }
    this.#ended(queue)
    return presence
  }

  async #learn(queue: string): Promise<Presence> {
    const began = performance.now()
    const { presence, asked } = await this.#probe(queue)
    const until = asked + fresh
    const took = performance.now() - began
    const renew = until - Math.min(Math.max(ahead[0], 1.5 * took), ahead[1])
    this.#known.delete(queue)
    this.#known.set(queue, { presence, until, renew })
    if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value!)
    return presence
  }

  #ended(queue: string, failure?: SinkUnavailable): void {
    this.#asking.delete(queue)
    if (this.#signal.aborted) return
    this.#onAnswer(queue, failure)
    for (const wanted of this.#wanted) {
      if (this.#asking.size >= atOnce) return
      this.ask(wanted).catch(() => {})
    }
  }

  async #probe(queue: string): Promise<{ presence: Presence; asked: number }> {
    const more = { clientId: undefined, maxMessageSize: 1024 * 1024 }
    const connection = await inTurn(this.#options.urls, this.#signal, url =>
      StompConnection.open(url, this.#options, more, this.#signal),
    )
    try {
      const destination = destinationOf('rabbitmq', { queue }).replace('/amq/queue/', '/queue/')
      const transaction = ['transaction', 'sluice'] as const
      const asked = performance.now()
      connection.send('BEGIN', [transaction])
      connection.send('SEND', [['destination', destination], transaction, ['x-max-length', '-1']])
      const closed = await within(fresh, 'the answer', connection.closed, this.#signal)
      return { presence: meaningOf(closed), asked }
    } finally {
      void connection.close()
    }
  }
}

/** Throws what is no answer. Only what stands before the name of the queue counts. */
function meaningOf(end: Error | undefined): Presence {
  const said = sentence(end ?? new Error('the connection was closed'))
  const words = /^[^']*/.exec(said)![0]
  if (/inequivalent arg|resource_locked/i.test(words)) return 'there'
  if (/invalid arg/i.test(words)) return 'missing'
  if (!/access_refused/i.test(words)) throw end ?? new Error(said)
  return /^[^']*'amq\.[^']*' contains reserved prefix/.test(said) ? 'reserved' : 'forbidden'
}

/** Why nothing can be sent to a queue that is not known to be there; of one that the message has chosen it is its own fault. */
export function absence(
  presence: Exclude<Presence, 'there'>,
  queue: string,
  isChosen: boolean,
  { username, vhost }: ConnectionOptions,
): Error {
  const drops = 'and drops what is sent to one that does not'
  const text = {
    missing: `queue ${queue} does not exist on the broker, which would drop what is sent there: declare it`,
    forbidden: `RabbitMQ does not let user ${username ?? 'guest'} see whether queue ${queue} exists, ${drops}: give the user the permission 'configure' for this queue in virtual host ${vhost}`,
    reserved: `RabbitMQ lets nobody see whether queue ${queue} exists, since its name begins with amq., ${drops}: the option address, with /amq/queue/ before the name, sends to it all the same`,
  }[presence]
  return isChosen ? new MessageRefused(text) : new SinkUnavailable(text)
}
