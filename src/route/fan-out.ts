import type { Delivery, Outcome } from '../core/delivery.ts'
import { toError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import { Confirmed } from './confirmed.ts'
import { Expired } from './reply/token.ts'
import type { Way } from './sending.ts'
import type { Target } from './target.ts'

/** The message as it goes to each target; with the reason, where it cannot go there. */
export type Addressed = readonly {
  readonly target: string
  readonly message: Message
  readonly refusal?: Error
}[]

/** What the route does with a delivery. */
export interface FanOutWay {
  /** As `Way.bury`, for the target of this name. */
  bury(target: string, error: Error, attempts: number): Promise<Outcome | undefined>
  /** As `Way.waits`. */
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
    const all = Array.from(this.#targets, ([target, { addressed }]) =>
      addressedTo(target, addressed, message),
    )
    return all.some(one => one instanceof Promise) ? Promise.all(all) : (all as Addressed)
  }

  /** Refused by the mapping, and so for every target. */
  everywhere(message: Message, refusal: Error): Addressed {
    return Array.from(this.#targets.keys(), target => ({ target, message, refusal }))
  }

  /**
   * Resolves once each target has confirmed, or its dead letter is stored: with how to settle, or with undefined when the
   * delivery was lost or the route stopped first; what was confirmed until then is not sent again to the same target
   * with the next delivery of the message. Never rejects.
   */
  async send(
    delivery: Delivery,
    id: string,
    messages: Addressed,
    way: FanOutWay,
  ): Promise<Outcome | undefined> {
    const before = this.#confirmed.recall(id)
    let left = messages.length
    const outcomes = await Promise.all(
      messages.map(async one => {
        const outcome = before?.has(one.target) ? 'accepted' : await this.#sendTo(one, delivery, way)
        if (--left > 0 && left === messages.length - 1) way.waits()
        return outcome
      }),
    )
    const confirmed = messages.filter((_, i) => outcomes[i] === 'accepted').map(({ target }) => target)
    if (confirmed.length === outcomes.length) return 'accepted'
    if (!outcomes.includes(undefined)) return 'rejected'
    if (confirmed.length > 0 && delivery.id !== undefined) this.#confirmed.remember(id, new Set(confirmed))
    return undefined
  }

  async #sendTo(
    { target, message, refusal }: Addressed[number],
    { lost, size }: Delivery,
    { bury, waits }: FanOutWay,
  ): Promise<Outcome | undefined> {
    const late = this.#expires ? expiry(message) : undefined
    const way: Way = {
      lost: late ? AbortSignal.any([lost, late]) : lost,
      size,
      bury: (error, attempts) => bury(target, error, attempts),
      waits,
    }
    const outcome = await this.#targets.get(target)!.deliver(message, way, refusal)
    return outcome === undefined && late?.aborted && !lost.aborted ? bury(target, expired(), 0) : outcome
  }
}

type Address = (message: Message) => Message | Promise<Message>

function addressedTo(
  target: string,
  address: Address,
  original: Message,
): Addressed[number] | Promise<Addressed[number]> {
  const refused = (error: unknown) => ({ target, message: original, refusal: toError(error) })
  try {
    const made = address(original)
    return made instanceof Promise
      ? made.then(message => ({ target, message }), refused)
      : { target, message: made }
  } catch (error) {
    return refused(error)
  }
}

/** Aborted when a request's requester has stopped waiting. */
const expiry = ({ properties: { expiresAt } }: Message): AbortSignal | undefined =>
  expiresAt === undefined
    ? undefined
    : AbortSignal.timeout(Math.min(Math.max(0, Math.ceil(expiresAt - Date.now())), 2 ** 31 - 1))

const expired = () =>
  new Expired('the message expired while it waited for its target: its requester has stopped waiting')
