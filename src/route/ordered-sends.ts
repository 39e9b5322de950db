import type { Outcome } from '../core/delivery.ts'
import type { MessageRefused } from '../core/errors.ts'
import type { HoldRoom } from './hold-room.ts'
import { Holds, type HoldsReport } from './holds.ts'
import { Lanes } from './lanes.ts'
import type { Order } from './order.ts'
import { finished, notSent, type Sending, type Way } from './sending.ts'

/** The sends of one target in their order: after those before them, and holding those behind where the route is told to. */
export class OrderedSends {
  readonly #order: Order
  readonly #lanes = new Lanes()
  readonly #holds: Holds
  readonly #stopped: AbortSignal

  constructor(order: Order, room: HoldRoom, report: HoldsReport, stopped: AbortSignal) {
    this.#order = order
    this.#holds = new Holds(room, group => this.#lanes.load(group), report)
    this.#stopped = stopped
  }

  /** Groups that are held or parked. */
  get groupsHeld(): number {
    return this.#holds.size
  }

  /** `refuse` is called in place of `send` where the group is parked. Without a lane nothing is waited for. */
  async run(
    lane: string | undefined,
    way: Way,
    send: () => Promise<Sending>,
    refuse: (reason: MessageRefused) => Sending,
  ): Promise<Outcome | undefined> {
    if (lane === undefined) return finished(await send(), way)
    if (this.#order.onRefused === 'continue') {
      return finished(await this.#lanes.run(lane, way.size, send), way)
    }
    const sending = this.#lanes.run(lane, way.size, () => this.#holding(lane, way, send, refuse))
    if (this.#holds.joined(lane)) way.waits()
    return sending
  }

  /** Dead letters are stored within the lane, and so in its order. */
  async #holding(
    lane: string,
    way: Way,
    send: () => Promise<Sending>,
    refuse: (reason: MessageRefused) => Sending,
  ): Promise<Outcome | undefined> {
    const parked = this.#holds.refusal(lane)
    if (parked) return finished(refuse(parked), way)
    const sent = way.lost.aborted ? notSent : await send()
    if (sent.confirmed || !sent.error) return finished(sent, way)
    way.waits()
    const isParked = await this.#holds.hold(lane, sent.error, way.lost, this.#stopped)
    return isParked ? finished(sent, way) : undefined
  }
}
