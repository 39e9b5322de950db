import type { Endpoint, Limits, Sink } from '../../core/adapter.ts'
import type { MemoryPrepared } from './codec.ts'
import type { MemoryConnection, MemorySinkOptions } from './options.ts'
import { type Consumer, type MemoryQueue, memoryQueue } from './queue.ts'

export async function openSink(
  at: Endpoint<MemoryConnection, MemorySinkOptions>,
): Promise<Sink<MemoryPrepared>> {
  return new MemorySink(memoryQueue(at.options.queue), { maxMessageSize: at.options.max_message_size })
}

class MemorySink implements Sink<MemoryPrepared>, Consumer {
  readonly closed: Promise<Error | undefined>
  readonly limits: Limits
  readonly #queue: MemoryQueue
  #end: (reason: Error | undefined) => void = () => {}
  #lost: Error | undefined

  constructor(queue: MemoryQueue, limits: Limits) {
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
    this.limits = limits
    this.#queue = queue
    queue.join(this)
  }

  async send({ message }: MemoryPrepared): Promise<object> {
    const failure = this.#lost ?? this.#queue.failWith?.(message)
    if (failure) throw failure
    this.#queue.put(message)
    return {}
  }

  async check(): Promise<void> {
    if (this.#queue.down) throw new Error('the queue is down')
  }

  offer(): boolean {
    return false
  }

  cut(reason: Error): void {
    this.#lost = reason
    this.#queue.leave(this)
    this.#end(reason)
  }

  async close(): Promise<void> {
    this.#queue.leave(this)
    this.#end(undefined)
  }
}
