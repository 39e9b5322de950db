import { isUtf8 } from 'node:buffer'
import { setTimeout as pause } from 'node:timers/promises'
import { MessageRefused, sentence, toError } from '../../../core/errors.ts'
import { onAbort } from '../../../core/on-abort.ts'
import type { Pointer } from './claim-check.ts'
import { type Bucket, isForGood } from './claim-check-bucket.ts'
import { Slots } from './slots.ts'

/** A message that waits for its body, or for one before it in its group. */
export interface Waiting {
  readonly pointer?: Pointer | undefined
  /** Of a FIFO queue. */
  readonly group?: string | undefined
  /** Aborted when it is no longer ours: then nobody is told anything. */
  readonly lost: AbortSignal
  /** The body or why there will never be one; nothing for a message that has its body. Called at most once. */
  done(body: string | MessageRefused | undefined): void
}

/** The bytes that were granted to the source. */
export interface Room {
  /** Is there any? Then a body that is larger than what there is still passes. */
  readonly hasRoom: boolean
  /** Fewer than none are given back. */
  spend(bytes: number): void
}

export interface Fetching {
  readonly bucket: Bucket
  readonly room: Room
  /** A failure is said once, until one succeeds. */
  notice(text: string): void
}

/** Objects that are fetched at a time. */
const concurrency = 16
/** Milliseconds; doubles up to the second, each with full jitter. */
const [firstDelay, longestDelay] = [200, 5_000]

/**
 * Fetches bodies in the order in which their messages came, as long as there is room for them. Messages of a group are done
 * in their order; others pass. What may pass is tried again until the message is lost: it is never given up.
 */
export class Fetches {
  readonly #fetching: Fetching
  readonly #slots = new Slots(concurrency)
  readonly #ending = new AbortController()
  /** Those that wait for room, the oldest first. */
  readonly #queue = new Set<{ readonly size: number; enter(): void }>()
  readonly #last = new Map<string, Promise<void>>()
  readonly #deletions = new Set<Promise<void>>()
  #isFailing = false

  constructor(fetching: Fetching) {
    this.#fetching = fetching
  }

  /** Must it wait, having its body already? */
  isBehind(group: string | undefined): boolean {
    return group !== undefined && this.#last.has(group)
  }

  add(waiting: Waiting): void {
    const { group } = waiting
    const before = group === undefined ? undefined : this.#last.get(group)
    const done = this.#run(waiting, before)
    if (group === undefined) return
    this.#last.set(group, done)
    void done.then(() => this.#last.get(group) === done && this.#last.delete(group))
  }

  /** There may be room again. */
  look(): void {
    for (const one of this.#queue) {
      if (!this.#fetching.room.hasRoom) return
      this.#queue.delete(one)
      this.#fetching.room.spend(one.size)
      one.enter()
    }
  }

  /** Nothing is done from now on. */
  stop(): void {
    this.#ending.abort()
  }

  /** The object of a message that is done with. One that stays is no harm, and is said. */
  delete({ key }: Pointer): void {
    const { bucket } = this.#fetching
    const deletion = bucket.calls
      .delete(key)
      .catch(error => this.#failed(bucket.judge('s3:DeleteObject').call(error), `the object ${key} stays`))
      .finally(() => this.#deletions.delete(deletion))
    this.#deletions.add(deletion)
  }

  /** Resolves once no deletion is under way. */
  async ended(): Promise<void> {
    await Promise.all(this.#deletions)
  }

  /**
   * One that is behind another fetches nothing before that is done: with the room full of those behind it, the first would
   * never get in.
   */
  async #run({ pointer, lost, done }: Waiting, before: Promise<void> | undefined): Promise<void> {
    await before
    const over = AbortSignal.any([lost, this.#ending.signal])
    const body = pointer && (await this.#bodyOf(pointer, over).catch(toError))
    if (!over.aborted) return done(body instanceof Error ? refused(pointer!, body) : body)
    if (typeof body === 'string') this.#giveBack(pointer!.size)
  }

  /** Rejects with MessageRefused, or when nobody waits any more. */
  async #bodyOf(pointer: Pointer, over: AbortSignal): Promise<string> {
    for (let delay = firstDelay; ; delay = Math.min(longestDelay, delay * 2)) {
      await this.#room(pointer.size, over)
      try {
        return await this.#fetch(pointer, over)
      } catch (error) {
        this.#giveBack(pointer.size)
        over.throwIfAborted()
        if (error instanceof MessageRefused) throw error
        this.#failed(toError(error), 'trying again')
      }
      await pause(delay * Math.random(), undefined, { signal: over }).catch(() => {})
    }
  }

  /** Takes the room for so many bytes, in turn. */
  #room(size: number, over: AbortSignal): Promise<void> {
    if (over.aborted) return Promise.reject(over.reason)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const forget = onAbort(over, () => {
      this.#queue.delete(one)
      reject(over.reason)
    })
    const one = {
      size,
      enter: () => {
        forget()
        resolve()
      },
    }
    this.#queue.add(one)
    this.look()
    return promise
  }

  #giveBack(bytes: number): void {
    this.#fetching.room.spend(-bytes)
    this.look()
  }

  /** Throws MessageRefused for an object that is not what the message says, and anything else for what may pass. */
  async #fetch(pointer: Pointer, over: AbortSignal): Promise<string> {
    const { calls, judge } = this.#fetching.bucket
    let content: Buffer
    await this.#slots.taken()
    try {
      content = await calls.get(pointer.key, pointer.size, over)
    } catch (error) {
      throw isForGood(error) ? refused(pointer, toError(error)) : judge('s3:GetObject').call(error)
    } finally {
      this.#slots.giveBack()
    }
    this.#isFailing = false
    if (!isUtf8(content)) throw refused(pointer, new Error('it is no UTF-8'))
    return content.toString()
  }

  #failed(error: Error, what: string): void {
    if (this.#isFailing || this.#ending.signal.aborted) return
    this.#isFailing = true
    this.#fetching.notice(`${sentence(error)}; ${what}`)
  }
}

/** With what S3 calls it, since its texts leave that out. */
function refused({ bucket, key, size }: Pointer, why: Error): MessageRefused {
  if (why instanceof MessageRefused) return why
  return new MessageRefused(
    `its body, the object ${JSON.stringify(key)} in bucket ${bucket}, cannot be had: ` +
      (why.name === 'WrongSize'
        ? `${why.message}, and the message says ${size}`
        : `${why.name}: ${why.message}`),
    { cause: why },
  )
}
