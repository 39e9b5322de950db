import type { Limits, LinkContext, Sink } from '../../core/adapter.ts'
import { SinkUnavailable } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import { sinkSession } from './client-options.ts'
import { Connection } from './connection.ts'
import { checkSize, largestPacket, type MqttPrepared } from './encode.ts'
import { addressOf, type SinkAt } from './options.ts'
import { Publisher } from './publisher.ts'
import { suspicionOf } from './suspicion.ts'

/** Connects, and sees whether the broker has what the options ask of it. */
export async function openSink(at: SinkAt, context: LinkContext): Promise<Sink<MqttPrepared>> {
  const session = sinkSession(at, context.trial === true)
  const connection = await inTurn(at.connection.urls, context.signal, url =>
    Connection.open(url, session, context.signal),
  )
  const lacking = lacks(at, connection.brokerSaid)
  if (lacking === undefined) return new MqttSink(at, connection, context)
  await connection.close()
  throw new Error(lacking)
}

type BrokerSaid = Connection['brokerSaid']

/** What the broker does not have and the options need. */
function lacks({ options: { qos, retain } }: SinkAt, said: BrokerSaid): string | undefined {
  const highest = said?.maximumQoS ?? 2
  if (qos > highest) return `the broker takes QoS ${highest} at most: set qos: ${highest} in place of ${qos}`
  if (retain && said?.retainAvailable === false)
    return 'the broker has no retained messages: leave retain out'
  return undefined
}

/** Unconfirmed messages of one link, whatever more the broker would take. */
const most = 1_000

/**
 * How many messages may be unconfirmed: what a broker of version 5 says. Before it, Mosquitto (2.0) confirms messages of
 * QoS 2 and drops them without a word once more are in flight than max_inflight_messages (20) and max_queued_messages
 * allow.
 */
function windowOf({ options: { qos }, connection: { version } }: SinkAt, said: BrokerSaid): number {
  if (version === 5) return Math.min(said?.receiveMaximum ?? most, most)
  return qos === 2 ? 20 : most
}

/** A sink over one connection of its own. */
class MqttSink implements Sink<MqttPrepared> {
  readonly closed: Promise<Error | undefined>
  readonly limits: Limits
  readonly #at: SinkAt
  readonly #connection: Connection
  readonly #publisher: Publisher
  readonly #pongs: (() => void)[] = []

  constructor(at: SinkAt, connection: Connection, context: LinkContext) {
    const said = connection.brokerSaid
    this.#at = at
    this.#connection = connection
    this.closed = connection.closed
    this.limits = { maxMessageSize: Math.min(said?.maximumPacketSize ?? largestPacket, largestPacket) }
    connection.hear(({ cmd }) => {
      if (cmd === 'pingresp') for (const pong of this.#pongs.splice(0)) pong()
    })
    this.#publisher = new Publisher(connection, {
      qos: at.options.qos,
      chosen: isTemplate(addressOf(at)),
      window: windowOf(at, said),
      timeout: at.options.send_timeout,
      suspicion: suspicionOf(at.options),
      notice: text => context.report({ type: 'notice', text }),
    })
  }

  /** What was prepared for another link may be too large for this one. */
  async send(prepared: MqttPrepared, signal: AbortSignal): Promise<object> {
    checkSize(prepared.size, this.limits)
    return this.#publisher.send(prepared, signal)
  }

  /** Does the broker answer? A topic is there as soon as somebody publishes to it; whether we may, only that shows. */
  async check(signal: AbortSignal): Promise<void> {
    const { lost } = this.#connection
    lost.throwIfAborted()
    const answered = new Promise<void>(resolve => this.#pongs.push(resolve))
    this.#connection.ping()
    try {
      const limit = this.#at.connection.connect_timeout
      await within(limit, 'the answer to PINGREQ', Promise.race([answered, this.closed]), signal)
    } catch (cause) {
      signal.throwIfAborted()
      throw new SinkUnavailable('the broker does not answer', { cause })
    }
    lost.throwIfAborted()
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }
}
