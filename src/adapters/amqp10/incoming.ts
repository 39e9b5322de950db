import rhea, { type Receiver, type Session, type Typed } from 'rhea'
import type { ConnectionInside } from './connection.ts'

/** What is read of rhea's decoded transfer and disposition frames. */
export interface Frame {
  readonly performative: {
    readonly delivery_id?: number
    readonly settled?: boolean
    readonly more?: boolean
    readonly aborted?: boolean
    readonly first?: number
    readonly last?: number
    readonly state?: unknown
  }
  readonly payload?: Buffer
}

/** Members of rhea's session that its typings leave out (lib/session.js of rhea 3.0). */
interface SessionInside extends Session {
  incoming: Incoming
  output(performative: Typed): void
  _write_flow(): void
}

/** The same of its receiver (lib/link.js). */
export interface ReceiverInside extends Receiver {
  credit: number
  delivery_count: number
  issue_flow: boolean
  readonly connection: ConnectionInside
  on_flow(frame: { readonly performative: { readonly delivery_count?: number } }): void
  readonly remote: { readonly attach?: { readonly initial_delivery_count?: number } }
}

/**
 * Begins counting where the sender does (specification part 2, section 2.6.7). rhea begins at 0, which gives RabbitMQ 4,
 * whose count begins at -4, four credits too many.
 */
export function adoptDeliveryCount(receiver: ReceiverInside): void {
  receiver.delivery_count = receiver.remote.attach?.initial_delivery_count ?? 0
}

export interface IncomingEvents {
  message(id: number, bytes: Buffer, settled: boolean): void
  /** The broker has settled our deliveries `first` to `last` by itself. */
  settled(first: number, last: number): void
  /** What comes is larger than that, and nothing of it is kept; no message comes after this. */
  tooLarge(error: Error): void
}

export type OutcomeName = 'accepted' | 'rejected' | 'released'

const { types } = rhea
const outcomeCodes = { accepted: 0x24, rejected: 0x25, released: 0x26 } as const
const none = Buffer.alloc(0)

/** Every frame but the last of a message is full, and 512 bytes are the least that a peer may be held to (section 2.7.1). */
const leastFrame = 256

/** Sequence numbers are 32 bits wide and wrap (specification part 2, section 2.8.10). */
const next = (sequence: number): number => (sequence + 1) >>> 0

/**
 * The receiving half of a session with a single receiver, in the place of rhea's own. That one decodes each message
 * and forgets the types; stops the session once 2048 deliveries lie behind an unsettled one; lets its counters outgrow
 * 32 bits; and hands over an aborted message as if it were whole.
 *
 * The window is counted in frames and always open: the receiver's credit bounds the messages.
 */
export class Incoming {
  next_transfer_id = 0
  max_transfer_id = 2048
  remote_next_transfer_id: number | undefined
  remote_window: number | undefined
  readonly window = 2048
  readonly #session: SessionInside
  readonly #events: IncomingEvents
  readonly #maxMessageSize: number
  #partial: { readonly id: number; readonly settled: boolean; readonly frames: Buffer[] } | undefined
  #partialSize = 0
  #refused = false
  #outcomes: { readonly id: number; readonly outcome: OutcomeName }[] = []

  /** Takes the place of the session's own; before the session begins. */
  static install(session: Session, maxMessageSize: number, events: IncomingEvents): Incoming {
    const inside = session as SessionInside
    inside.incoming = new Incoming(inside, maxMessageSize, events)
    return inside.incoming
  }

  private constructor(session: SessionInside, maxMessageSize: number, events: IncomingEvents) {
    this.#session = session
    this.#maxMessageSize = maxMessageSize
    this.#events = events
  }

  /** Tells the broker with the next write. Deliveries that follow each other go in one frame. */
  settle(id: number, outcome: OutcomeName): void {
    this.#outcomes.push({ id, outcome })
  }

  // From here on: what rhea's session calls.

  on_begin(fields: { next_outgoing_id: number; outgoing_window: number }): void {
    this.on_flow(fields)
  }

  on_flow(fields: { next_outgoing_id: number; outgoing_window: number }): void {
    this.next_transfer_id = fields.next_outgoing_id
    this.remote_next_transfer_id = fields.next_outgoing_id
    this.remote_window = fields.outgoing_window
  }

  on_transfer({ performative, payload = none }: Frame, receiver: ReceiverInside): void {
    this.next_transfer_id = next(this.next_transfer_id)
    if (this.#refused) return
    const { more } = performative
    if (!this.#partial) {
      this.#partialSize = 0
      const id = performative.delivery_id
      if (id === undefined || id === null) throw new Error('the first transfer of a delivery has no id')
      this.#partial = { id, settled: performative.settled === true, frames: [] }
    }
    const partial = this.#partial
    if (!performative.aborted) {
      this.#partialSize += Math.max(payload.length, leastFrame)
      if (this.#partialSize > this.#maxMessageSize + leastFrame) {
        this.#refuse()
        return
      }
      partial.frames.push(payload)
      if (more) return
    }
    this.#partial = undefined
    receiver.credit--
    receiver.delivery_count = next(receiver.delivery_count)
    if (performative.aborted) return
    const { frames } = partial
    this.#events.message(
      partial.id,
      frames.length === 1 ? frames[0]! : Buffer.concat(frames),
      partial.settled,
    )
  }

  on_disposition({ settled, first, last }: Frame['performative']): void {
    if (settled && first !== undefined) this.#events.settled(first, last ?? first)
  }

  process(session: SessionInside): void {
    if (this.#outcomes.length > 0) this.#writeOutcomes()
    if (((this.max_transfer_id - this.next_transfer_id) | 0) < this.window / 2) session._write_flow()
  }

  #refuse(): void {
    this.#refused = true
    this.#partial = undefined
    this.#events.tooLarge(
      new Error(`a message has more than the ${this.#maxMessageSize} bytes that max_message_size allows`),
    )
  }

  #writeOutcomes(): void {
    const outcomes = this.#outcomes.sort((a, b) => a.id - b.id)
    this.#outcomes = []
    let first = outcomes[0]!
    let last = first
    for (const current of outcomes.slice(1)) {
      if (current.id !== last.id + 1 || current.outcome !== first.outcome) {
        this.#write(first.id, last.id, first.outcome)
        first = current
      }
      last = current
    }
    this.#write(first.id, last.id, first.outcome)
  }

  /** A disposition (section 2.7.6): role receiver, first, last, settled, state. */
  #write(first: number, last: number, outcome: OutcomeName): void {
    const state = types.described(types.wrap_ulong(outcomeCodes[outcome]), types.wrap_list([]))
    const fields = [true, types.wrap_uint(first), types.wrap_uint(last), true, state]
    this.#session.output(types.described(types.wrap_ulong(0x15), types.wrap_list(fields)))
  }
}
