import { toError } from '../../core/errors.ts'
import type { Acks } from './acks.ts'
import type { Consumer } from './consumer.ts'
import type { Consumption } from './whole-window.ts'
import { Window } from './window.ts'

/** How long (ms) acknowledgements are kept back for the window to fill up, so that the consumer can be replaced. */
const holding = 250

/** A full window that does not move for so long (ms) is opened for what else was granted. */
const patience = 200

/** After so long (ms), beside two round trips, without a message or an acknowledgement nothing is on its way. */
const quiet = 50

/**
 * Follows the grants with basic.qos, which means to replace the consumer: a quorum queue takes back what is on its way
 * to a consumer that is cancelled, counts that as a failed attempt, and hands it out again behind later messages
 * (RabbitMQ 3.10 and 4.0). So a consumer is cancelled only when nothing can be on its way: when all that its basic.qos
 * lets through has arrived and none of it is acknowledged. In busy traffic that moment comes when acknowledgements are
 * kept back for a round trip.
 *
 * States: idle (nothing granted yet), consuming, holding (acknowledgements are kept back until the window is full or
 * the time is over), raising (one consumer is replaced by the next) and stopped, which nothing leads out of.
 */
export class Prefetch implements Consumption {
  readonly #consumer: Consumer
  readonly #acks: Acks
  readonly #window: Window
  readonly #onFailure: (error: Error) => void
  #raising: Promise<void> | undefined
  #holding: NodeJS.Timeout | undefined
  #stall: NodeJS.Timeout | undefined
  #receivedSinceHold = 0
  #stopped = false
  #onFull = () => {}

  constructor(consumer: Consumer, acks: Acks, limit: number, onFailure: (error: Error) => void) {
    this.#consumer = consumer
    this.#acks = acks
    this.#window = new Window(limit)
    this.#onFailure = onFailure
  }

  grant(messages: number): void {
    this.#window.grant(messages)
    this.#adjust()
  }

  received(): void {
    this.#receivedSinceHold++
    this.#adjust()
  }

  settled(): void {
    this.#window.settle()
  }

  /** Ends the consumption; resolves when nothing more comes. What is out stays out. Rejects like the channel. */
  async stop(): Promise<void> {
    this.forget()
    await this.#raising
    await this.#quiet()
    try {
      await this.#consumer.cancel()
    } finally {
      this.#acks.release()
    }
  }

  /** The link is gone: nothing is to be done any more. */
  forget(): void {
    this.#stopped = true
    clearTimeout(this.#stall)
    clearTimeout(this.#holding)
  }

  get #isFull(): boolean {
    return this.#acks.out >= this.#window.size
  }

  #adjust(): void {
    if (this.#stopped) this.#onFull()
    if (this.#raising || this.#stopped || this.#window.allowed <= this.#window.size) return
    if (this.#isFull) {
      if (this.#window.shouldGrow) this.#raise()
      else this.#expectProgress()
    } else if (this.#window.shouldGrow && this.#receivedSinceHold >= this.#window.size) this.#hold()
  }

  #raise(): void {
    clearTimeout(this.#holding)
    this.#holding = undefined
    this.#acks.hold()
    const qos = this.#window.allowed
    this.#window.size = qos
    this.#raising = this.#consumer
      .consume(qos, () => this.#acks.nextConsumer())
      .catch(error => this.#onFailure(toError(error)))
      .finally(() => {
        this.#raising = undefined
        this.#receivedSinceHold = 0
        this.#acks.release()
        this.#adjust()
      })
  }

  #hold(): void {
    if (this.#holding) return
    this.#acks.hold()
    this.#holding = setTimeout(() => {
      this.#holding = undefined
      this.#receivedSinceHold = 0
      this.#acks.release()
    }, holding)
  }

  /** Messages that take long must not keep away others that were granted. */
  #expectProgress(): void {
    if (this.#stall) return
    const { settled } = this.#window
    this.#stall = setTimeout(() => {
      this.#stall = undefined
      const moved = this.#window.settled > settled
      if (moved || this.#raising || this.#stopped || !this.#isFull) this.#adjust()
      else if (this.#window.allowed > this.#window.size) this.#raise()
    }, patience)
  }

  /** Waits until nothing more is on its way, as far as that can be known. */
  async #quiet(): Promise<void> {
    this.#acks.hold()
    const rest = this.#acks.lastActive + quiet + 2 * this.#consumer.roundTrip - performance.now()
    if (this.#isFull || rest <= 0) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, rest)
      this.#onFull = () => {
        if (!this.#isFull) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
