import type { MqttPrepared } from './encode.ts'

/** One `send`: *waiting*, then *in flight* (written). It may have *ended* for its caller before the broker answers. */
export interface Outgoing {
  readonly prepared: MqttPrepared
  readonly signal: AbortSignal
  /** When it was given to us, in milliseconds of `performance.now()`. */
  readonly since: number
  readonly resolve: (call: object) => void
  readonly reject: (error: Error) => void
  /** Its place in the order of writing; 0 while it is waiting. */
  turn: number
  ended: boolean
}

/** What was written on one connection and not answered, in the order of writing. */
export class InFlight {
  /** Under its packet id; with QoS 0, which has none, under a negative number. */
  readonly #byId = new Map<number, Outgoing>()
  #awaited = 0
  #packetId = 0
  #turn = 0
  #lastConfirmed = 0

  get size(): number {
    return this.#byId.size
  }

  /** How many of them their callers still wait for. */
  get awaited(): number {
    return this.#awaited
  }

  /** How many the callers have given up, and were passed by one that was confirmed. */
  get forgotten(): number {
    const [oldest] = this.#byId.values()
    return oldest && this.isPassed(oldest) ? this.size - this.#awaited : 0
  }

  /** The one that is awaited, when it is the only one. */
  get only(): Outgoing | undefined {
    return this.#awaited === 1 ? Array.from(this.values()).find(o => !o.ended) : undefined
  }

  values(): Iterable<Outgoing> {
    return this.#byId.values()
  }

  /** Was one confirmed that was written later? */
  isPassed({ turn }: Outgoing): boolean {
    return turn < this.#lastConfirmed
  }

  /** Returns its packet id, which nothing else in flight has. */
  add(outgoing: Outgoing, hasPacketId: boolean): number {
    outgoing.turn = ++this.#turn
    const id = hasPacketId ? this.#nextPacketId() : -outgoing.turn
    this.#byId.set(id, outgoing)
    this.#awaited++
    return id
  }

  /** The broker has answered it: it is in flight no more. */
  answered(id: number, isConfirmed: boolean): Outgoing | undefined {
    const outgoing = this.#byId.get(id)
    if (!outgoing) return undefined
    this.#byId.delete(id)
    if (isConfirmed) this.#lastConfirmed = Math.max(this.#lastConfirmed, outgoing.turn)
    return outgoing
  }

  /** Its caller is told now; false when he was before. */
  end(outgoing: Outgoing): boolean {
    if (outgoing.ended) return false
    outgoing.ended = true
    if (outgoing.turn > 0) this.#awaited--
    return true
  }

  #nextPacketId(): number {
    do this.#packetId = (this.#packetId % 65_535) + 1
    while (this.#byId.has(this.#packetId))
    return this.#packetId
  }
}
