import type { Socket } from 'node:net'
import rhea, { type Sender, type Session, type Typed } from 'rhea'
import type { ConnectionInside } from './connection.ts'
import { framesOf } from './frames.ts'
import { type Described, type Outcome, outcomeOf } from './outcome.ts'

/** A message on its way out. */
export interface Transfer {
  readonly bytes: Buffer
  /** About to be written. */
  begins?(): void
  settled(outcome: Outcome): void
}

/** Members of rhea's session and sender that its typings leave out (lib/session.js and lib/link.js of rhea 3.0). */
interface SessionInside extends Session {
  outgoing: Outgoing
  readonly connection: ConnectionInside
  readonly local: { readonly channel: number }
  output(performative: Typed): void
}

export interface SenderInside extends Sender {
  credit: number
  delivery_count: number
  issue_flow: boolean
  _drained: boolean
  _draining: boolean
  readonly local: { readonly handle: number }
  readonly remote: { readonly attach?: { readonly max_message_size?: unknown } }
  on_flow(frame: { readonly performative: Flow }): void
}

interface Flow {
  readonly delivery_count?: number | null
  readonly link_credit?: number | null
  readonly drain?: boolean
}

interface SessionFlow {
  readonly next_incoming_id?: number | null
  readonly incoming_window: number
}

interface Disposition {
  readonly first: number
  readonly last?: number | null
  readonly settled?: boolean | null
  readonly state?: Described | null
}

/** Bytes that may lie in the socket before it takes no more; the broker that does not read gets no further. */
const socketRoom = 512 * 1024

const { types } = rhea

/**
 * The sending half of a session with a single sender, in the place of rhea's own. That one holds at most 2048 deliveries
 * and the first that stays unsettled blocks those behind it; lets its counters outgrow 32 bits; makes a timer and an
 * encoder for each frame; and writes to the socket whether the broker reads or not.
 *
 * A transfer waits until the link has credit, the session a window and the socket room, is then written whole or in
 * pieces, and is unsettled until the broker has answered. The order is that of `add`.
 */
export class Outgoing {
  next_transfer_id = 0
  readonly window = 0xffff_ffff
  /** rhea looks here whether its own buffer has room again. */
  readonly deliveries = { available: () => 1 }
  readonly #session: SessionInside
  readonly #mayWrite: () => boolean
  #sender: SenderInside | undefined
  #remoteWindow = 0
  #remoteNext = 0
  #nextDelivery = 0
  #waiting: Transfer[] = []
  /** Frames of the first one in `#waiting` that are written already. */
  #pieces = 0
  readonly #unsettled = new Map<number, Transfer>()
  #waitsForSocket = false

  /**
   * Takes the place of the session's own; before the session begins. `mayWrite` is asked whenever something could be written;
   * who said no has the connection flushed when it may be yes.
   */
  static install(session: Session, mayWrite: () => boolean): Outgoing {
    const inside = session as SessionInside
    inside.outgoing = new Outgoing(inside, mayWrite)
    return inside.outgoing
  }

  private constructor(session: SessionInside, mayWrite: () => boolean) {
    this.#session = session
    this.#mayWrite = mayWrite
  }

  /** The link that sends; before anything is added. */
  attach(sender: SenderInside): void {
    this.#sender = sender
    sender.on_flow = ({ performative }) => this.#onLinkFlow(sender, performative)
  }

  /** Transfers that were not begun. */
  get waiting(): number {
    return this.#waiting.length
  }

  add(transfer: Transfer): void {
    this.#waiting.push(transfer)
    if (this.#waiting.length === 1) this.#session.connection._register()
  }

  /** False when it is on its way already, so that only the broker knows what becomes of it. */
  withdraw(transfer: Transfer): boolean {
    const at = this.#waiting.indexOf(transfer)
    if (at < 0 || (at === 0 && this.#pieces > 0)) return false
    this.#waiting.splice(at, 1)
    return true
  }

  /**
   * Writes nothing any more: no transfer may follow a detach. One that does occupies a thread of Artemis 2.40 for ever, since its
   * proton-j 0.34 fails on it and reads it again and again.
   */
  stop(): void {
    this.#waiting = []
    this.#pieces = 0
  }

  // From here on: what rhea's session calls.

  available(): number {
    return 1
  }

  on_begin({ incoming_window }: SessionFlow): void {
    this.#remoteWindow = incoming_window
  }

  on_flow({ next_incoming_id, incoming_window }: SessionFlow): void {
    this.#remoteNext = next_incoming_id ?? 0
    this.#remoteWindow = incoming_window
  }

  on_disposition({ first, last, settled, state }: Disposition): void {
    const outcome = outcomeOf(state, settled === true)
    if (!outcome) return
    const end = last ?? first
    const length = ((end - first) >>> 0) + 1
    if (length > this.#unsettled.size) {
      for (const id of this.#unsettled.keys()) if ((id - first) >>> 0 < length) this.#settle(id, outcome)
    } else {
      for (let i = 0, id = first; i < length; i++, id = (id + 1) >>> 0) this.#settle(id, outcome)
    }
    if (!settled) this.#answer(first, end)
  }

  process(): void {
    const sender = this.#sender
    if (!sender || this.#waiting.length === 0 || sender.credit === 0 || !this.#mayWrite()) return
    const { socket, max_frame_size } = this.#session.connection
    const frames: Buffer[] = []
    let room = socketRoom - socket.writableLength
    let sent = 0
    while (sent < this.#waiting.length && sender.credit > 0 && room > 0) {
      const transfer = this.#waiting[sent]!
      if (this.#pieces === 0) transfer.begins?.()
      const link = { channel: this.#session.local.channel, handle: sender.local.handle }
      const pieces = framesOf(transfer.bytes, this.#nextDelivery, link, max_frame_size)
      while (this.#pieces < pieces.count && room > 0 && this.#sessionRoom > 0) {
        room -= pieces.write(this.#pieces++, frames)
        this.next_transfer_id = (this.next_transfer_id + 1) >>> 0
      }
      if (this.#pieces < pieces.count) break
      this.#begun(sender, transfer)
      sent++
    }
    if (sent > 0) this.#waiting.splice(0, sent)
    if (frames.length > 0) socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
    if (room <= 0 && this.#waiting.length > 0) this.#goOn(socket)
  }

  get #sessionRoom(): number {
    return this.#remoteWindow - ((this.next_transfer_id - this.#remoteNext) >>> 0)
  }

  #begun(sender: SenderInside, transfer: Transfer): void {
    this.#pieces = 0
    this.#unsettled.set(this.#nextDelivery, transfer)
    this.#nextDelivery = (this.#nextDelivery + 1) >>> 0
    sender.credit--
    sender.delivery_count = (sender.delivery_count + 1) >>> 0
  }

  /** When the socket has room again. What the system took at once leaves nothing to wait for: then no `drain` comes. */
  #goOn(socket: Socket): void {
    const { connection } = this.#session
    if (!socket.writableNeedDrain) {
      connection._register()
      return
    }
    if (this.#waitsForSocket) return
    this.#waitsForSocket = true
    socket.once('drain', () => {
      this.#waitsForSocket = false
      connection._register()
    })
  }

  #settle(id: number, outcome: Outcome): void {
    const transfer = this.#unsettled.get(id)
    if (!transfer) return
    this.#unsettled.delete(id)
    transfer.settled(outcome)
  }

  /** Credit is what the broker gave less what it had not seen yet (section 2.6.7); both counts wrap. */
  #onLinkFlow(sender: SenderInside, { delivery_count, link_credit, drain }: Flow): void {
    const unseen = (sender.delivery_count - (delivery_count ?? 0)) >>> 0
    sender.credit = Math.max(0, (link_credit ?? 0) - unseen)
    if (!drain || this.#waiting.length > 0) return
    sender._draining = true
    sender._drained = true
    sender.issue_flow = true
  }

  /** Some brokers name the outcome and leave it to the sender to settle. */
  #answer(first: number, last: number): void {
    const fields = [false, types.wrap_uint(first), types.wrap_uint(last), true]
    this.#session.output(types.described(types.wrap_ulong(0x15), types.wrap_list(fields)))
  }
}
