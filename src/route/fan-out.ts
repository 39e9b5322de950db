import type { Delivery, Outcome } from '../core/delivery.ts'
import { toError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import { Confirmed } from './confirmed.ts'
import { Expired } from './reply/token.ts'
import type { Target } from './target.ts'

/** The message as it goes to each target, or why it cannot go there. */
export type Addressed = readonly (readonly [target: string, message: Message | Error])[]

/** What the route does with a delivery on its way. */
export interface Way {
  /** Dead-letters for one target; resolves with undefined when that was not possible before the delivery was lost. */
  bury(target: string, error: Error, attempts: number): Promise<Outcome | undefined>
  /** It cannot be finished for now, through no fault of those behind it. Needs no `this`. */
  readonly waits: () => void
}

/** One delivery to all targets of a route, each of which settles for itself. */
export class FanOut {
  readonly #targets: ReadonlyMap<string, Target>
  readonly #expires: boolean
  readonly #confirmed = new Confirmed()

  /** `expires`: the route carries requests or replies, which are not held past their expiry. */
  constructor(targets: ReadonlyMap<string, Target>, expires: boolean) {
    this.#targets = targets
    this.#expires = expires
  }

  /** A promise only where an address takes time; the caller keeps the order by waiting for it. */
  addressed(message: Message): Addressed | Promise<Addressed> {
    const all = Array.from(
      this.#targets,
      ([name, target]) => [name, attempted(() => target.addressed(message))] as const,
    )
    if (all.every(([, one]) => !(one instanceof Promise))) return all as Addressed
    return Promise.all(all.map(async ([name, one]) => [name, await one] as const))
  }

  /** Refused by the mapping, and so for every target. */
  everywhere(error: Error): Addressed {
    return Array.from(this.#targets.keys(), name => [name, error])
  }

  /**
   * Resolves once each target has confirmed, or its dead letter is stored: with how to settle, or with undefined when the
   * delivery was lost or the route stopped first; what was confirmed until then is not sent again to the same target
   * with the next delivery of the message. Never rejects.
   */
  async send(
    delivery: Delivery,
    original: Message,
    messages: Addressed,
    way: Way,
  ): Promise<Outcome | undefined> {
    const id = original.properties.deduplicationId!
    const before = this.#confirmed.recall(id)
    let left = messages.length
    const outcomes = await Promise.all(
      messages.map(async ([name, message]) => {
        const outcome = before?.has(name)
          ? 'accepted'
          : await this.#sendTo(name, delivery.lost, original, message, way)
        if (--left > 0 && left === messages.length - 1) way.waits()
        return outcome
      }),
    )
    const confirmed = messages.filter((_, i) => outcomes[i] === 'accepted').map(([name]) => name)
    if (confirmed.length === outcomes.length) return 'accepted'
    if (!outcomes.includes(undefined)) return 'rejected'
    if (confirmed.length > 0 && delivery.id !== undefined) this.#confirmed.remember(id, new Set(confirmed))
    return undefined
  }

  async #sendTo(
    name: string,
    lost: AbortSignal,
    original: Message,
    message: Message | Error,
    way: Way,
  ): Promise<Outcome | undefined> {
    const target = this.#targets.get(name)!
    const late = this.#expires && !(message instanceof Error) ? expiry(message) : undefined
    const sending =
      message instanceof Error
        ? await target.refuse(original, message, lost, way.waits)
        : await target.deliver(message, late ? AbortSignal.any([lost, late]) : lost, way.waits)
    if (sending.confirmed) return 'accepted'
    const error = sending.error ?? (late?.aborted && !lost.aborted ? expired() : undefined)
    return error && way.bury(name, error, sending.attempts)
  }
}

function attempted(message: () => Message | Promise<Message>): Message | Error | Promise<Message | Error> {
  try {
    const made = message()
    return made instanceof Promise ? made.catch(toError) : made
  } catch (error) {
    return toError(error)
  }
}

/** Aborted when a request's requester has stopped waiting. */
const expiry = ({ properties: { expiresAt } }: Message): AbortSignal | undefined =>
  expiresAt === undefined
    ? undefined
    : AbortSignal.timeout(Math.min(Math.max(0, expiresAt - Date.now()), 2 ** 31 - 1))

const expired = () =>
  new Expired('the message expired while it waited for its target: its requester has stopped waiting')
