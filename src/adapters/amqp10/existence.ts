import rhea from 'rhea'
import { toError } from '../../core/errors.ts'
import { within } from '../shared/within.ts'
import { brokerError } from './broker-error.ts'
import type { AmqpConnection } from './connection.ts'

/** Milliseconds for which an answer is believed, and after which the next is asked for, so that nothing has to wait for it. */
const fresh = 1_000
const early = 800

const missing = 'amqp:not-found'

/** Who is told how an answer changes whether may be written. */
export interface Asker {
  /** Ask `mayWrite` again. */
  goOn(): void
  /** The queue is not there any more. */
  gone(error: Error): void
}

/**
 * Whether a queue is there, on a broker that says so to readers only: RabbitMQ 3 accepts and drops what is sent to one
 * that is not, and says nothing when one is deleted that a link leads to. So it is asked before the link is attached, and
 * while messages are sent about once a second: what is written was seen to have a queue less than a second before.
 * What is written between the deletion and the answer to the next question is lost, although the broker confirms it: a
 * second's messages at the most, and what the broker had not read by then. A queue that is made again before the next
 * question is not missed at all. Without permission to read the queue nothing is known, and nothing is asked again.
 */
export class Existence {
  readonly #connection: AmqpConnection
  readonly #address: string
  readonly #limit: number
  #seen = Number.NEGATIVE_INFINITY
  #asking = false

  constructor(connection: AmqpConnection, address: string, limit: number) {
    this.#connection = connection
    this.#address = address
    this.#limit = limit
  }

  /** Throws when the queue does not exist. False when that cannot be known. */
  async demand(signal?: AbortSignal): Promise<boolean> {
    const asked = performance.now()
    const isKnown = await demandQueue(this.#connection, this.#address, this.#limit, signal)
    this.#seen = isKnown ? asked : Number.POSITIVE_INFINITY
    return isKnown
  }

  /** Was it there less than a second ago? Asks when that is not known any more, or soon will not be; without an answer again. */
  mayWrite(asker: Asker): boolean {
    const age = performance.now() - this.#seen
    if (age >= early && !this.#asking) {
      this.#asking = true
      void this.#ask(asker)
    }
    return age < fresh
  }

  async #ask({ goOn, gone }: Asker): Promise<void> {
    try {
      await this.demand()
      this.#asking = false
      goOn()
    } catch (error) {
      if ((error as { readonly condition?: string }).condition === missing) return gone(toError(error))
      const again = () => {
        this.#asking = false
        goOn()
      }
      setTimeout(again, fresh).unref()
    }
  }
}

/**
 * Asks by attaching a reader without credit whose argument no queue but a stream takes. So RabbitMQ refuses it, in one
 * way where the queue is there and in another where it is not, and there never is a consumer: not even for a moment, which
 * would delete a queue of the kind `auto_delete`, keep out who wants the queue for himself, or be the single active
 * consumer. One that stays would do the same all the time, and its session and then the connection break when the queue is
 * deleted (seen with 3.10, which logs each refusal). A stream has no such ways, and takes the reader.
 */
async function demandQueue(
  connection: AmqpConnection,
  address: string,
  limit: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const session = connection.createSession()
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const refused = (error: unknown) => {
    const { condition } = (error ?? {}) as { readonly condition?: string }
    if (condition === missing) reject(brokerError(error, 'the broker knows no such queue'))
    else resolve(condition !== 'amqp:unauthorized-access')
  }
  session.on('session_error', () => refused(session.error))
  session.on('session_close', () => refused(undefined))
  session.on('receiver_error', ({ receiver }) => refused(receiver?.error))
  session.on('receiver_close', () => refused(undefined))
  session.on('receiver_open', ({ receiver }) => {
    if (receiver?.source) resolve(true)
  })
  session.begin()
  const filter = { 'rabbitmq:stream-offset-spec': rhea.types.wrap_string('next') } as never
  session.open_receiver({ source: { address, filter }, credit_window: 0, autoaccept: false })
  const forget = connection.onClosed(reject)
  try {
    return await within(limit, 'looking for the queue', promise, signal)
  } finally {
    forget()
    connection.endSession(session)
  }
}
