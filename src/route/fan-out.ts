import type { Delivery, Outcome } from '../core/delivery.ts'
import { toError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import { Confirmed } from './confirmed.ts'
import { Deadlines, Expired, isExpired } from './expiry.ts'
import { after } from './mapping/step.ts'
import type { Way } from './sending.ts'
import type { Target } from './target.ts'

/** The message as it goes to a target; with the reason, where it cannot go there. */
interface ToTarget {
  readonly target: string
  readonly message: Message
  readonly refusal?: Error
}

/** To each target whose own mapping did not drop it. */
export type Addressed = readonly ToTarget[]

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
  readonly #filtered: (target: string) => void
  readonly #confirmed = new Confirmed()
  readonly #deadlines = new Deadlines()

  /** `filtered` hears of a target whose mapping dropped a message. */
  constructor(targets: ReadonlyMap<string, Target>, filtered: (target: string) => void) {
    this.#targets = targets
    this.#filtered = filtered
  }

  /** A promise only where a mapping or an address takes time; the caller keeps the order by waiting for it. */
  addressed(message: Message): Addressed | Promise<Addressed> {
    const all = Array.from(this.#targets, ([name, target]) => this.#toTarget(name, target, message))
    return all.some(one => one instanceof Promise)
      ? Promise.all(all).then(found => found.filter(one => one !== undefined))
      : (all.filter(one => one !== undefined) as Addressed)
  }

  /** First the target's mapping, then its address. Undefined when it was dropped; never throws or rejects. */
  #toTarget(
    target: string,
    { mapped, addressed }: Target,
    original: Message,
  ): ToTarget | undefined | Promise<ToTarget | undefined> {
    let message = original
    const refused = (error: unknown): ToTarget => ({ target, message, refusal: toError(error) })
    const onwards = (left: Message | undefined): ToTarget | undefined | Promise<ToTarget> => {
      if (!left) {
        this.#filtered(target)
        return undefined
      }
      message = left
      return after(addressed(left), there => ({ target, message: there }))
    }
    try {
      const made = after(mapped(original), onwards)
      return made instanceof Promise ? made.catch(refused) : made
    } catch (error) {
      return refused(error)
    }
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
    { target, message, refusal }: ToTarget,
    delivery: Delivery,
    { bury, waits }: FanOutWay,
  ): Promise<Outcome | undefined> {
    const { lost, size } = delivery
    const { expiresAt } = message.properties
    if (isExpired(message)) return bury(target, expired(), 0)
    // Where the message has no end, nothing is watched.
    const deadline = expiresAt === undefined ? undefined : this.#deadlines.until(expiresAt, lost)
    const way: Way = {
      delivery,
      lost: deadline?.signal ?? lost,
      size,
      bury: (error, attempts) => bury(target, error, attempts),
      waits,
    }
    const to = this.#targets.get(target)!
    const outcome = await to.deliver(message, way, refusal)
    deadline?.end()
    if (outcome) to.forget(delivery)
    return outcome === undefined && deadline?.isOver && !lost.aborted ? bury(target, expired(), 0) : outcome
  }
}

const expired = () => new Expired('the message expired while it waited for its target')
