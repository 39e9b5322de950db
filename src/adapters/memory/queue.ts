import { LinkLost } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'

interface Stored {
  readonly id: string
  readonly message: Message
  deliveries: number
}

/** A consumer of a queue, as the queue sees it. */
export interface Consumer {
  /** Takes the message if it has credit for it. */
  offer(stored: Stored): boolean
  cut(reason: Error): void
}

const queues = new Map<string, MemoryQueue>()
let assigned = 0

/** The queue of this name in this process; made at first use. */
export function memoryQueue(name: string): MemoryQueue {
  const queue = queues.get(name) ?? new MemoryQueue()
  queues.set(name, queue)
  return queue
}

/**
 * A broker's queue in this process: keeps a message until its consumer settles it, gives it again in the old place
 * when the consumer goes, and can be told to fail like a broker.
 */
export class MemoryQueue {
  readonly #ready: Stored[] = []
  readonly #consumers = new Set<Consumer>()
  readonly #dead: Message[] = []
  /** Set to make `put` by sinks fail: what it returns is thrown. */
  failWith: ((message: Message) => Error | undefined) | undefined
  /** While true, no link opens. */
  down = false

  /** Waiting for a consumer, in order. */
  get messages(): readonly Message[] {
    return this.#ready.map(s => s.message)
  }

  /** What consumers rejected. */
  get dead(): readonly Message[] {
    return this.#dead
  }

  put(message: Message): void {
    this.#ready.push({ id: `memory:${++assigned}`, message, deliveries: 0 })
    this.dispatch()
  }

  join(consumer: Consumer): void {
    if (this.down) throw new Error('the queue is down')
    this.#consumers.add(consumer)
  }

  leave(consumer: Consumer): void {
    this.#consumers.delete(consumer)
  }

  /** Back to the head of the queue, in their order. */
  giveBack(stored: readonly Stored[]): void {
    this.#ready.unshift(...stored)
    this.dispatch()
  }

  reject(stored: Stored): void {
    this.#dead.push(stored.message)
  }

  /** Every link to this queue is lost. */
  cut(): void {
    const reason = new LinkLost('the connection to the queue was cut')
    for (const consumer of [...this.#consumers]) consumer.cut(reason)
  }

  dispatch(): void {
    for (let next = this.#ready[0]; next; next = this.#ready[0]) {
      const stored = next
      this.#ready.shift()
      stored.deliveries++
      if (![...this.#consumers].some(c => c.offer(stored))) {
        stored.deliveries--
        this.#ready.unshift(stored)
        return
      }
    }
  }
}

export type { Stored }
