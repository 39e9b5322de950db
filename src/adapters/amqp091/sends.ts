import { SinkUnavailable } from '../../core/errors.ts'
import { onAbort } from '../../core/on-abort.ts'
import { isWaitingRequester } from './dialect.ts'
import type { AmqpPrepared } from './encode.ts'
import type { Answer, Outgoing } from './publisher.ts'

/** A `send` that has not ended. */
export class Send implements Outgoing {
  readonly prepared: AmqpPrepared
  /** RabbitMQ returns every message to a client that waits for a direct reply, also one that it has delivered. */
  readonly isMandatory: boolean
  /** When it is over (performance.now). */
  readonly deadline: number
  readonly ended: Promise<object>
  /** Its signal is no longer heard. */
  readonly forgetSignal: () => void
  readonly #sends: Sends
  readonly #settle = Promise.withResolvers<object>()

  constructor(sends: Sends, prepared: AmqpPrepared, signal: AbortSignal, deadline: number) {
    this.#sends = sends
    this.prepared = prepared
    this.isMandatory = !isWaitingRequester(prepared)
    this.deadline = deadline
    this.ended = this.#settle.promise
    this.forgetSignal = onAbort(signal, () => sends.over(this, signal.reason))
  }

  /** The first answer, or failure, is the one that counts. */
  answer(answer: Answer): void {
    if (answer.is !== 'taken') this.fail(this.#sends.errorOf(this.prepared, answer))
    else {
      this.#sends.forget(this)
      this.#settle.resolve({})
    }
  }

  fail(error: Error): void {
    this.#sends.forget(this)
    this.#settle.reject(error)
  }
}

/** All sends of a sink that have not ended. They end with their signal, and when their time is over. */
export class Sends {
  readonly errorOf: (prepared: AmqpPrepared, answer: Answer) => Error
  readonly #limit: number
  readonly #onOver: (send: Send) => void
  /** In the order in which their times end. */
  readonly #all = new Set<Send>()
  #timer: NodeJS.Timeout | undefined

  /** `limit` (ms) for each; `onOver` is called with those that nobody waits for any more. */
  constructor(
    limit: number,
    errorOf: (prepared: AmqpPrepared, answer: Answer) => Error,
    onOver: (send: Send) => void,
  ) {
    this.#limit = limit
    this.errorOf = errorOf
    this.#onOver = onOver
  }

  begin(prepared: AmqpPrepared, signal: AbortSignal): Send {
    const send = new Send(this, prepared, signal, performance.now() + this.#limit)
    this.#all.add(send)
    this.#timer ??= setTimeout(() => this.#expire(), this.#limit)
    return send
  }

  forget(send: Send): void {
    if (this.#all.delete(send)) send.forgetSignal()
  }

  /** Nobody waits for it any more. */
  over(send: Send, reason: Error): void {
    this.#onOver(send)
    send.fail(reason)
  }

  failAll(error: Error): void {
    clearTimeout(this.#timer)
    for (const send of this.#all) send.fail(error)
  }

  #expire(): void {
    this.#timer = undefined
    const now = performance.now()
    for (const send of this.#all) {
      if (send.deadline > now) {
        this.#timer = setTimeout(() => this.#expire(), send.deadline - now)
        return
      }
      const seconds = this.#limit / 1000
      this.over(send, new SinkUnavailable(`the broker did not confirm the message within ${seconds} s`))
    }
  }
}
