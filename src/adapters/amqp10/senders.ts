import { type LinkLost, MessageRefused, SinkUnavailable, sentence } from '../../core/errors.ts'
import { within } from '../shared/within.ts'
import type { Outbound, SendingLink } from './sending-link.ts'
import type { Place } from './sends.ts'

interface Entry {
  /** Sends that use it or wait for it. */
  users: number
  readonly link: Promise<SendingLink>
  opened?: SendingLink
}

/**
 * Links by address, for brokers without the anonymous relay: so many at a time, made when they are needed; an idle one
 * makes room for the next address. What is sent to one address keeps its order.
 */
export class Senders {
  readonly #attach: (place: Place) => Promise<SendingLink>
  readonly #sendTimeout: number
  readonly #most: number
  /** By address, the one whose last use is longest ago first. */
  readonly #entries = new Map<string, Entry>()
  readonly #waiting: (() => void)[] = []
  readonly #pending = new Set<(lost: LinkLost) => void>()
  #lost: LinkLost | undefined
  #open = 0

  constructor(attach: (place: Place) => Promise<SendingLink>, sendTimeout: number, most = 32) {
    this.#attach = attach
    this.#sendTimeout = sendTimeout
    this.#most = most
  }

  async send(place: Place, outbound: Outbound, signal: AbortSignal): Promise<object> {
    if (this.#lost) throw this.#lost
    const { promise: lost, reject } = Promise.withResolvers<never>()
    this.#pending.add(reject)
    const entry = this.#entryOf(place)
    entry.users++
    let over = false
    const sending = entry.link.then(link => {
      if (over)
        throw new SinkUnavailable(`the time to send to ${place.address} was over before there was a link`)
      return link.send(outbound, signal)
    })
    void sending.catch(() => {}).then(() => this.#used(place.address, entry))
    try {
      return await within(
        this.#sendTimeout,
        `sending to ${place.address}`,
        Promise.race([sending, lost]),
        signal,
      )
    } catch (error) {
      if (signal.aborted || error instanceof MessageRefused || error instanceof SinkUnavailable) throw error
      if (this.#lost) throw this.#lost
      throw new SinkUnavailable(sentence(error), { cause: error })
    } finally {
      over = true
      this.#pending.delete(reject)
    }
  }

  /** The connection is gone or about to be closed: all that is not confirmed rejects with this. */
  end(lost: LinkLost): void {
    if (this.#lost) return
    this.#lost = lost
    for (const reject of this.#pending) reject(lost)
    for (const go of this.#waiting.splice(0)) go()
  }

  async close(): Promise<void> {
    const closing = Array.from(this.#entries.values(), ({ opened, link }) => {
      if (opened) return opened.close()
      void link.then(late => late.close()).catch(() => {})
      return undefined
    })
    await Promise.all(closing)
  }

  /** Messages that wait, on any of the links. */
  get waiting(): number {
    return this.#sum('waiting')
  }

  /** Messages whose writing has begun, on those that are open. */
  get begun(): number {
    return this.#sum('begun')
  }

  #sum(what: 'waiting' | 'begun'): number {
    let sum = 0
    for (const { opened } of this.#entries.values()) sum += opened?.[what] ?? 0
    return sum
  }

  #entryOf(place: Place): Entry {
    const { address } = place
    const known = this.#entries.get(address)
    if (known) {
      this.#entries.delete(address)
      this.#entries.set(address, known)
      return known
    }
    const link = this.#room().then(() => this.#attach(place))
    const entry: Entry = { users: 0, link: link.catch(error => Promise.reject(refusalOf(error, address))) }
    this.#entries.set(address, entry)
    const gone = () => {
      if (this.#entries.get(address) !== entry) return
      this.#entries.delete(address)
      this.#free()
    }
    entry.link.then(link => {
      entry.opened = link
      void link.closed.then(gone)
    }, gone)
    return entry
  }

  /** A place among those that may be open, once there is one. */
  async #room(): Promise<void> {
    if (this.#open >= this.#most) this.#closeIdle()
    while (!this.#lost && this.#open >= this.#most) {
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    if (this.#lost) throw this.#lost
    this.#open++
  }

  #used(address: string, entry: Entry): void {
    entry.users--
    if (entry.users === 0 && this.#waiting.length > 0 && this.#entries.get(address) === entry) {
      this.#close(address, entry)
    }
  }

  #closeIdle(): void {
    for (const [address, entry] of this.#entries) {
      if (entry.users > 0) continue
      this.#close(address, entry)
      return
    }
  }

  #free(): void {
    this.#open--
    this.#waiting.shift()?.()
  }

  /** Nobody uses it, so that nobody has to wait until it is closed. */
  #close(address: string, entry: Entry): void {
    this.#entries.delete(address)
    this.#free()
    void entry.link.then(link => link.close()).catch(() => {})
  }
}

/** Conditions that say of a place that it is none, or not for us; whatever else there is may pass. */
const ofPlace = ['amqp:not-found', 'amqp:unauthorized-access', 'amqp:not-allowed', 'amqp:invalid-field']

/** What a refused attach means for a message that chose the place. */
function refusalOf(error: unknown, place: string): Error {
  const { condition } = error as { readonly condition?: string }
  const Refusal = ofPlace.includes(condition ?? '') ? MessageRefused : SinkUnavailable
  return new Refusal(`sending to ${place}: ${sentence(error)}`, { cause: error })
}
