import type { Source } from '../core/adapter.ts'
import type { Delivery } from '../core/delivery.ts'
import type { Buffer } from './buffer.ts'

/**
 * The credit of one source link. The window of unsettled deliveries begins at one and grows by one with each that was
 * settled, so it doubles in each round trip up to `prefetch`: a crash loop burns one message of a broker's delivery
 * limit and not five hundred. It grows as well when a delivery waits for a place for dead letters, so that a bad first
 * message does not stop those behind it. Beside the window, the buffer's limits bind. Bytes are foreseen from the largest message
 * seen lately, as most protocols grant messages and not bytes.
 */
export class Credit {
  readonly #source: Pick<Source, 'grant'>
  readonly #buffer: Buffer
  readonly #prefetch: number
  readonly openedAt = performance.now()
  /** When the link died by itself; not when it was closed. */
  diedAt: number | undefined
  #window = 1
  /** Granted and not come yet. */
  #outstanding = 0
  #outstandingBytes = 0
  /** Come on this link and not finished. */
  #held = 0
  #largest = 1

  constructor(source: Pick<Source, 'grant'>, buffer: Buffer, prefetch: number) {
    this.#source = source
    this.#buffer = buffer
    this.#prefetch = prefetch
  }

  /** Milliseconds that the link has lived. */
  get age(): number {
    return performance.now() - this.openedAt
  }

  /** Bytes that could come to be here, as far as the messages seen lately tell; less than the buffer's own bound. */
  get appetite(): number {
    return this.#prefetch * this.#largest
  }

  /** How many more deliveries may come now. */
  get outstanding(): number {
    return this.#outstanding
  }

  received(delivery: Delivery): void {
    this.#outstanding--
    this.#outstandingBytes -= delivery.size
    this.#held++
    this.#largest = Math.max(delivery.size, this.#largest * 0.99)
  }

  /** A delivery has to wait for a place for its dead letter: another may come in its stead, within `prefetch`. */
  waits(): void {
    if (this.#window < this.#prefetch) this.#window++
  }

  finished(settled: boolean): void {
    this.#held--
    if (settled && this.#window < this.#prefetch) this.#window++
  }

  /** Grants what there is room for; a quarter of the window at a time, so that grants do not cost a frame each. */
  topUp(): void {
    const { limits, messages, bytes } = this.#buffer
    const room = Math.min(
      this.#window - this.#held,
      limits.maxMessages - messages,
      // One may always come where there is none, however large.
      Math.max(messages === 0 ? 1 : 0, Math.floor((limits.maxBytes - bytes) / this.#largest)),
    )
    const more = Math.max(0, room - this.#outstanding)
    const moreBytes = Math.max(0, limits.maxBytes - bytes - this.#outstandingBytes)
    const starved = this.#outstanding === 0 ? more > 0 : this.#outstandingBytes <= 0 && moreBytes > 0
    if (!starved && (more === 0 || more < this.#window / 4)) return
    this.#outstanding += more
    this.#outstandingBytes += moreBytes
    this.#source.grant(more, moreBytes)
  }
}
