import { toError } from '../../core/errors.ts'
import type { Guilt } from './guilt.ts'
import type { Answer, Outgoing, Publisher } from './publisher.ts'

/** More places than this that have proved to be good are forgotten, and proved again. */
const most = 10_000

/** Out of the queue; `sent` stands for it on the channel, once there is one. */
interface OnTrial {
  readonly outgoing: Outgoing
  sent?: Outgoing
}

/**
 * Messages that may cost the channel they go by: the first to an exchange that a template has chosen, and those that
 * were on a channel when the broker closed it. Each goes alone by a channel that is there for nothing else, so that it is known
 * which one the broker meant, and no other suffers for it. Once a place has proved good, the others for it go on together.
 * One that is withdrawn before the broker has answered takes the channel with it, and its place comes after all others.
 */
export class Trials {
  readonly #open: () => Promise<Publisher>
  readonly #guilt: Guilt
  readonly #isFixed: boolean
  readonly #goOn: (outgoing: Outgoing) => void
  readonly #good = new Set<string>()
  /** Places whose last trial ended without an answer. */
  readonly #silent = new Set<string>()
  readonly #queue = new Set<Outgoing>()
  #onTrial: OnTrial | undefined
  #publisher: Publisher | undefined
  #running = false
  #isClosed = false

  /** `isFixed`: the exchange is the same for all messages. `goOn` takes those that need no trial any more. */
  constructor(
    open: () => Promise<Publisher>,
    guilt: Guilt,
    isFixed: boolean,
    goOn: (outgoing: Outgoing) => void,
  ) {
    this.#open = open
    this.#guilt = guilt
    this.#isFixed = isFixed
    this.#goOn = goOn
  }

  isNeeded({ prepared }: Outgoing): boolean {
    if (this.#guilt.isSuspect(prepared)) return true
    const place = this.#placeOf(prepared)
    return place !== undefined && !this.#good.has(place)
  }

  submit(outgoing: Outgoing): void {
    this.#queue.add(outgoing)
    if (!this.#running) void this.#run()
  }

  /** Nobody waits for it any more. It is not sent if it has not been. */
  withdraw(outgoing: Outgoing): void {
    this.#queue.delete(outgoing)
    const onTrial = this.#onTrial
    if (onTrial?.outgoing !== outgoing) return
    this.#onTrial = undefined
    const { sent } = onTrial
    if (!sent) return
    if (this.#publisher?.withdraw(sent)) sent.answer(unsent)
    else {
      remember(this.#silent, this.#placeOf(outgoing.prepared))
      void this.#publisher?.close()
    }
  }

  /** All that wait are answered with this. */
  async close(answer: Answer): Promise<void> {
    this.#isClosed = true
    const waiting = [...this.#queue]
    this.#queue.clear()
    for (const outgoing of waiting) outgoing.answer(answer)
    await this.#publisher?.close()
  }

  async #run(): Promise<void> {
    this.#running = true
    for (let next = this.#next; next; next = this.#next) {
      this.#queue.delete(next)
      await this.#try(next)
      this.#letGo()
    }
    this.#running = false
  }

  get #next(): Outgoing | undefined {
    for (const outgoing of this.#queue) {
      const place = this.#placeOf(outgoing.prepared)
      if (place === undefined || !this.#silent.has(place)) return outgoing
    }
    const [first] = this.#queue
    return first
  }

  /** Those that need no trial any more, before another for the same place can pass them. */
  #letGo(): void {
    for (const outgoing of this.#queue) {
      if (this.isNeeded(outgoing)) continue
      this.#queue.delete(outgoing)
      this.#goOn(outgoing)
    }
  }

  async #try(outgoing: Outgoing): Promise<void> {
    const { prepared } = outgoing
    const answer = await this.#answerTo(outgoing)
    if (answer.is !== 'gone') {
      this.#guilt.acquit(prepared)
      this.#prove(this.#placeOf(prepared))
    }
    const isGuilty = answer.is === 'gone' && answer.isSuspect && answer.error !== undefined
    outgoing.answer(isGuilty ? { is: 'guilty', error: answer.error } : answer)
  }

  async #answerTo(outgoing: Outgoing): Promise<Answer> {
    const onTrial: OnTrial = { outgoing }
    this.#onTrial = onTrial
    try {
      const publisher = await this.#opened()
      if (this.#onTrial !== onTrial) return unsent
      return await new Promise(answer => {
        onTrial.sent = { prepared: outgoing.prepared, isMandatory: outgoing.isMandatory, answer }
        publisher.submit(onTrial.sent)
      })
    } catch (error) {
      return { is: 'gone', error: toError(error), isSuspect: false }
    } finally {
      this.#onTrial = undefined
    }
  }

  async #opened(): Promise<Publisher> {
    if (this.#isClosed) throw new Error('the link is closed')
    if (this.#publisher?.isOpen) return this.#publisher
    const publisher = await this.#open()
    this.#publisher = publisher
    if (!this.#isClosed) return publisher
    await publisher.close()
    throw new Error('the link is closed')
  }

  #prove(place: string | undefined): void {
    if (place !== undefined) this.#silent.delete(place)
    remember(this.#good, place)
  }

  /** What a trial proves; undefined where nothing has to be proved. */
  #placeOf({ exchange, routingKey }: Outgoing['prepared']): string | undefined {
    if (exchange === '') return undefined
    if (this.#guilt.isNamed(exchange)) return `${exchange}\0${routingKey}`
    return this.#isFixed ? undefined : exchange
  }
}

const unsent: Answer = { is: 'gone', error: undefined, isSuspect: false }

function remember(places: Set<string>, place: string | undefined): void {
  if (place === undefined) return
  if (places.size >= most) places.clear()
  places.add(place)
}
