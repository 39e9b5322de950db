import type { Guilt } from './guilt.ts'
import type { Answer, Outgoing, Publisher } from './publisher.ts'

/** More places than this that have proved to be good are forgotten, and proved again. */
const most = 10_000

/**
 * Messages that may cost the channel they go by: the first to an exchange that a template has chosen, and those that
 * were on a channel when the broker closed it. Each goes alone by a channel that is there for nothing else, so that it is known
 * which one the broker meant, and no other suffers for it. Once a place has proved good, the others for it go on together.
 */
export class Trials {
  readonly #open: () => Promise<Publisher>
  readonly #guilt: Guilt
  readonly #isFixed: boolean
  readonly #goOn: (outgoing: Outgoing) => void
  readonly #good = new Set<string>()
  readonly #queue = new Set<Outgoing>()
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

  /** Nobody waits for it any more. */
  withdraw(outgoing: Outgoing): void {
    this.#queue.delete(outgoing)
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
    for (const outgoing of this.#queue) {
      this.#queue.delete(outgoing)
      await this.#try(outgoing)
      this.#letGo()
    }
    this.#running = false
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
    try {
      const publisher = await this.#opened()
      return await new Promise(answer => publisher.submit({ ...outgoing, answer }))
    } catch {
      return { is: 'gone', error: undefined, isSuspect: false }
    }
  }

  async #opened(): Promise<Publisher> {
    if (this.#publisher?.isOpen) return this.#publisher
    if (this.#isClosed) throw new Error('closed')
    this.#publisher = await this.#open()
    return this.#publisher
  }

  #prove(place: string | undefined): void {
    if (place === undefined) return
    if (this.#good.size >= most) this.#good.clear()
    this.#good.add(place)
  }

  /** What a trial proves; undefined where nothing has to be proved. */
  #placeOf({ exchange, routingKey }: Outgoing['prepared']): string | undefined {
    if (exchange === '') return undefined
    if (this.#guilt.isNamed(exchange)) return `${exchange}\0${routingKey}`
    return this.#isFixed ? undefined : exchange
  }
}
