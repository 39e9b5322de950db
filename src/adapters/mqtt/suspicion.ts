/**
 * Brokers that do not like a message may not say so: RabbitMQ closes the connection on a topic that is forbidden, in
 * version 5 too, and Artemis does in 3.1.1; ActiveMQ Classic leaves it unanswered. Whoever then sends all that was in
 * flight again, on the next link, goes on so for ever, and its neighbours with it.
 *
 * So it is remembered of each message for how many closes it was in flight. After two it is *suspect* and is sent alone.
 * A suspect that was alone in flight when the connection was closed again gets a *strike*. Whoever has one lets the others
 * pass: whether they arrive shows whose fault it is. Enough strikes, and it is *guilty*; so is, in the end, a message that
 * is left unanswered time and again while later ones are confirmed.
 */
interface Past {
  closes: number
  strikes: number
  unanswered: number
  /** How many messages were confirmed before it was seen here. */
  readonly confirmedBefore: number
}

/** Closes after which a message is sent alone. */
const suspectAfter = 2
/** Strikes that are enough while others are confirmed, and those that are where there are no others. */
const enough = { closed: 2, unanswered: 3, noOthers: 5 }

/** What is remembered from one link of a target to the next. */
export class Suspicion {
  readonly #pasts = new WeakMap<object, Past>()
  #confirmed = 0

  confirmed(message: object): void {
    this.#confirmed++
    this.#pasts.delete(message)
  }

  isSuspect(message: object): boolean {
    return (this.#pasts.get(message)?.closes ?? 0) >= suspectAfter
  }

  hasStrike(message: object): boolean {
    return (this.#pasts.get(message)?.strikes ?? 0) > 0
  }

  /**
   * The broker closed the connection with these in flight. True when the one message is guilty; where all messages go to
   * one topic (`chosen` is false) it must be that others arrive, or it is the topic.
   */
  closed(inFlight: readonly object[], chosen: boolean): boolean {
    const [first] = inFlight
    if (first && inFlight.length === 1 && this.isSuspect(first)) {
      const past = this.#past(first)
      past.strikes++
      if (this.#confirmed > past.confirmedBefore) return past.strikes >= enough.closed
      return chosen && past.strikes >= enough.noOthers
    }
    for (const message of inFlight) this.#past(message).closes++
    return false
  }

  /** It was not answered in time, and a later one was confirmed. True when it is guilty. */
  unanswered(message: object): boolean {
    return ++this.#past(message).unanswered >= enough.unanswered
  }

  #past(message: object): Past {
    const fresh = { closes: 0, strikes: 0, unanswered: 0, confirmedBefore: this.#confirmed }
    const past = this.#pasts.get(message) ?? fresh
    this.#pasts.set(message, past)
    return past
  }
}

const suspicions = new WeakMap<object, Suspicion>()

/** Of the target with these options. */
export function suspicionOf(options: object): Suspicion {
  const suspicion = suspicions.get(options) ?? new Suspicion()
  suspicions.set(options, suspicion)
  return suspicion
}
