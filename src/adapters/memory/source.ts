import type { Deliver, Endpoint, Source } from '../../core/adapter.ts'
import type { Outcome } from '../../core/delivery.ts'
import { LinkLost } from '../../core/errors.ts'
import { messageSize } from './codec.ts'
import type { MemoryConnection, MemorySourceOptions } from './options.ts'
import { type Consumer, type MemoryQueue, memoryQueue, type Stored } from './queue.ts'

export async function openSource(
  at: Endpoint<MemoryConnection, MemorySourceOptions>,
  deliver: Deliver,
): Promise<Source> {
  return new MemorySource(memoryQueue(at.options.queue), deliver)
}

class MemorySource implements Source, Consumer {
  readonly closed: Promise<Error | undefined>
  readonly #queue: MemoryQueue
  readonly #deliver: Deliver
  readonly #lost = new AbortController()
  readonly #unsettled = new Set<Stored>()
  #end: (reason: Error | undefined) => void = () => {}
  #credit = 0

  constructor(queue: MemoryQueue, deliver: Deliver) {
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
    this.#queue = queue
    this.#deliver = deliver
    queue.join(this)
  }

  grant(messages: number): void {
    this.#credit += messages
    this.#queue.dispatch()
  }

  async stop(): Promise<void> {
    this.#queue.leave(this)
  }

  async close(): Promise<void> {
    this.cut(undefined)
  }

  offer(stored: Stored): boolean {
    if (this.#credit === 0) return false
    this.#credit--
    this.#unsettled.add(stored)
    const { id, message } = stored
    const deliveryCount = stored.deliveries - 1
    const settle = (outcome: Outcome) => this.#settle(stored, outcome)
    this.#deliver({ message, id, deliveryCount, size: messageSize(message), lost: this.#lost.signal, settle })
    return true
  }

  cut(reason: Error | undefined): void {
    if (this.#lost.signal.aborted) return
    this.#queue.leave(this)
    this.#lost.abort(reason)
    this.#end(reason)
    this.#queue.giveBack([...this.#unsettled])
    this.#unsettled.clear()
  }

  async #settle(stored: Stored, outcome: Outcome): Promise<void> {
    if (!this.#unsettled.delete(stored)) throw new LinkLost('settling a message of a link that is gone')
    if (outcome === 'rejected') this.#queue.reject(stored)
  }
}
