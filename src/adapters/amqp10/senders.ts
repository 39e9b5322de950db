import { MessageRefused, SinkUnavailable, sentence } from '../../core/errors.ts'
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
  #open = 0

  constructor(attach: (place: Place) => Promise<SendingLink>, sendTimeout: number, most = 32) {
    this.#attach = attach
    this.#sendTimeout = sendTimeout
    this.#most = most
  }

  async send(place: Place, outbound: Outbound, signal: AbortSignal): Promise<object> {
    const entry = this.#entryOf(place)
    entry.users++
    const sending = entry.link.then(link => link.send(outbound, signal))
    void sending.catch(() => {}).then(() => this.#used(place.address, entry))
    try {
      return await within(this.#sendTimeout, `sending to ${place.address}`, sending, signal)
    } catch (error) {
      if (signal.aborted || error instanceof MessageRefused || error instanceof SinkUnavailable) throw error
      throw new SinkUnavailable(sentence(error), { cause: error })
    }
  }

  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const go of this.#waiting.splice(0)) go()
    await Promise.all(entries.map(({ link }) => link.then(l => l.close()).catch(() => {})))
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
      this.#open--
      if (this.#entries.get(address) === entry) this.#entries.delete(address)
      this.#waiting.shift()?.()
    }
    entry.link.then(link => {
      entry.opened = link
      void link.closed.then(gone)
    }, gone)
    return entry
  }

  /** A place among those that may be open, once there is one. */
  async #room(): Promise<void> {
    if (this.#open >= this.#most) {
      this.#closeIdle()
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
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

  #close(address: string, entry: Entry): void {
    this.#entries.delete(address)
    void entry.link.then(link => link.close()).catch(() => {})
  }
}

/** What a refused attach means for a message that chose the place. */
function refusalOf(error: unknown, place: string): Error {
  const { condition } = error as { readonly condition?: string }
  const Refusal = condition === undefined ? SinkUnavailable : MessageRefused
  return new Refusal(`sending to ${place}: ${sentence(error)}`, { cause: error })
}
