import type { Delivery } from './delivery.ts'
import type { DropReason } from './events.ts'
import type { Message } from './message.ts'

/**
 * The seam between the bridge and a protocol. A link opens once, dies once and never reconnects: whoever holds it
 * opens another. Every step of opening, sending and closing has a time limit of its own, so that no promise here
 * stays pending because a peer is silent.
 */
export interface Link {
  /**
   * Resolves when the link is gone: with the reason when it died (connection cut, detached by the broker, peer
   * silent), with undefined after `close()`. Never rejects.
   */
  readonly closed: Promise<Error | undefined>
  /** Gives back what is unsettled in the way of the protocol and closes. Safe to call at any time and twice; never rejects. */
  close(): Promise<void>
}

export interface Source extends Link {
  /** No new deliveries from now on; those already handed over can still be settled. */
  stop(): Promise<void>
  /**
   * So many more messages, and so many more bytes, may come; adds to what was granted before. A new link starts
   * with nothing granted. A source never hands over more than was granted; bytes bind only where the protocol can.
   */
  grant(messages: number, bytes: number): void
}

export interface Sink<P extends Prepared = Prepared> extends Link {
  readonly limits: Limits
  /**
   * Resolves when the broker took responsibility, with an object that stands for the call to the broker: messages
   * that went in one call resolve with the same object, and fail with the same error, so that calls can be counted.
   * Throws MessageRefused, SinkUnavailable, LinkLost, or something unexpected.
   */
  send(prepared: P, signal: AbortSignal): Promise<object>
  /** Is the target there and may we write to it, as far as that can be known without sending? Throws like `send`. */
  check(signal: AbortSignal): Promise<void>
}

/** What a sink learned of its target when it opened. */
export interface Limits {
  /** Bytes of one message with all that the protocol counts. */
  readonly maxMessageSize: number
}

/** A message encoded for one target; what else it holds is its adapter's own business. */
export interface Prepared {
  /** Bytes, as the target counts them. */
  readonly size: number
  /** Headers for which the protocol has no room, and that stand together in one place that a source of ours takes apart. */
  readonly packed?: number
}

/**
 * A prepared message in the protocol's own words, read from what `prepare` made: what `explain` prints and tests assert.
 * What is only known when it is sent, such as the time that is left to live, is as it would be now.
 */
export interface Shown {
  /** Where it goes, as the protocol names it. */
  readonly address: string
  /** Text where the protocol has text; what is structured there as JSON, and by field as well. */
  readonly body: string | Uint8Array
  /** What is sent beside the body, in the order of the wire. */
  readonly fields: readonly ShownField[]
  /** What else people should know of it, in sentences. */
  readonly notes?: readonly string[]
}

export interface ShownField {
  readonly name: string
  /** The part of the message that it stands in, where the protocol has several: `MessageAttributes`, `application-properties`. */
  readonly section?: string
  /** By the protocol's name; absent where it has no types. */
  readonly type?: string
  /** As text: digits, base64 of bytes, ISO 8601 of times, typed JSON of what is structured. */
  readonly value: string
}

/** Where a link goes: options of the connection (one object for all that share it) and of this end of the route. */
export interface Endpoint<C, O> {
  readonly connection: C
  /** The name of the connection in the configuration; with the route it makes client ids that stay the same. */
  readonly connectionName: string
  readonly route: string
  readonly options: O
}

export type Deliver = (delivery: Delivery) => void

/** What a link says of itself while it is open. */
export type LinkEvent =
  /** A state that people must know of: the broker blocks publishers, another client took the session over. */
  | { readonly type: 'notice'; readonly text: string }
  /** A message without guarantee was let go. */
  | { readonly type: 'dropped'; readonly reason: DropReason }

/** The life of a link as whoever opens it sees it. */
export interface LinkContext {
  /** Ends the opening; once open, `close()` does. */
  readonly signal: AbortSignal
  /**
   * Opened beside a bridge that may run with the same configuration and must not be disturbed, as when somebody only sees
   * whether it can be opened (`validate --connect`): it must leave nothing on the broker (no session, no durable subscription).
   */
  readonly trial?: true
  report(event: LinkEvent): void
}

/** What is needed of a zod schema. Its `parse` fills in defaults. */
export interface Schema<T> {
  parse(value: unknown): T
}

/** A remark of `validate` on options that are legal and may still surprise. */
export type Warning = { readonly path: readonly string[]; readonly text: string }

/** What the route itself reads of a source's options. */
export interface SourceOptions {
  /** The most deliveries that may be unsettled at a time. */
  readonly prefetch: number
}

export interface SourceKind<C, O extends SourceOptions> {
  readonly options: Schema<O>
  /** Can one message be given to the broker's own dead letter (`dead_letter: [{ broker: true }]`)? */
  readonly canReject: boolean
  /** Milliseconds for which the broker lets an unsettled message be held; Infinity where it does not mind. */
  holdLimit(at: Endpoint<C, O>): number
  /** Why the order of messages cannot be kept from this end, and what to write so that it can; undefined when it can. */
  orderProblem(at: Endpoint<C, O>, ordering: 'by_group' | 'strict'): string | undefined
  /**
   * Could a message that is sent to `address` of the same broker come in here? `address` is as a target has it written:
   * `${…}` in it stands for anything. Absent where that is not known, which means that it could.
   */
  reads?(at: Endpoint<C, O>, address: string): boolean
  /**
   * Why the broker drops, without a word, messages that wait there for a route that cannot take them; undefined, or absent, where it
   * keeps them all. A route without a disk buffer is warned of it.
   */
  mayForget?(at: Endpoint<C, O>): string | undefined
  warnings?(at: Endpoint<C, O>): readonly Warning[]
  /**
   * The first message as `open` would deliver it, which stays where it is and as it is; undefined when there is none. Throws, with
   * the reason, where the protocol or the broker cannot do that.
   */
  peek(at: Endpoint<C, O>, context: LinkContext): Promise<Message | undefined>
  /** Opens one link or throws; tries each of the connection's addresses once. `deliver` may be called only once the
   * promise has resolved and something was granted; it never throws. */
  open(at: Endpoint<C, O>, deliver: Deliver, context: LinkContext): Promise<Source>
}

/** A message that a sink has stored, read back. Left alone, it stays where and what it was. */
export interface StoredMessage {
  /** What its place calls it, for people: a file, a key, an id. */
  readonly name: string
  readonly message: Message
  /** Why it cannot be read; the message is then as it came, or has no body. */
  readonly fault?: Error
  /** How often it was handed out before this time, where the place counts. */
  readonly deliveryCount?: number
  /** Aborted once the place has it again: its link died, or its visibility ended. */
  readonly lost: AbortSignal
  /** Resolves once its place has it no more; throws LinkLost when it was lost before. */
  remove(): Promise<void>
}

/** What is in the place of a sink. */
export interface ReadBack {
  /**
   * In the order of the place, where it has one, and each once. Ends when nothing more is there, as far as that can be known;
   * throws when the link dies. Read once.
   */
  readonly messages: AsyncIterable<StoredMessage>
  /** Gives back, in the way of the protocol, what was not removed. Safe to call at any time and twice; never rejects. */
  close(): Promise<void>
}

export interface SinkKind<C, O, P extends Prepared = Prepared> {
  readonly options: Schema<O>
  /**
   * Reads what was stored, beside bridges that run. `look`: nothing will be removed, so that a place which can be looked at
   * without taking anything is. Reports as notices what that does to the place. Throws, with the reason, where this place
   * cannot be read. Absent where none of the protocol can.
   */
  readBack?(at: Endpoint<C, O>, purpose: 'look' | 'take', context: LinkContext): Promise<ReadBack>
  open(at: Endpoint<C, O>, context: LinkContext): Promise<Sink<P>>
  /**
   * Where messages go, as it is written in the options: a template with `${…}` for each message, or one fixed place. What it
   * comes to is the address of the message that `prepare` is given. Absent where there is nothing to choose.
   */
  address?(at: Endpoint<C, O>): string
  /** Does the target keep the order within a group, so that the route has to keep it too? Absent: it does not. */
  isOrdered?(at: Endpoint<C, O>): boolean
  /**
   * Messages of one order group are sent one after the other, each confirmed before the next; undefined for one that need not wait.
   * Asked of messages that `prepare` refuses as well. Never throws. Absent: the group id is the group, where the route has an order.
   */
  orderGroup?(at: Endpoint<C, O>, message: Message): string | undefined
  /** Can nothing be written beside the body, so that a message that went round in a circle would not be known again? */
  isHeaderless?(at: Endpoint<C, O>): boolean
  /** Pure: encodes, checks every rule of the target, sizes. The only encoder there is. Throws MessageRefused. */
  prepare(at: Endpoint<C, O>, limits: Limits, message: Message): P
  /** What the target takes as far as that is known without asking it; a link may know less room, or more. */
  usualLimits(at: Endpoint<C, O>): Limits
  /** Reads what `prepare` made. Pure but for the clock; never throws. */
  show(at: Endpoint<C, O>, prepared: P): Shown
  warnings?(at: Endpoint<C, O>): readonly Warning[]
}

/** All that an adapter's folder exports. */
export interface Adapter<C, SO extends SourceOptions, KO, P extends Prepared = Prepared> {
  /** The name people write after `protocol:`. */
  readonly protocol: string
  /** The keys of a connection beside `protocol`. */
  readonly connection: Schema<C>
  readonly source?: SourceKind<C, SO>
  readonly sink?: SinkKind<C, KO, P>
  /** Needs no connection: a dead-letter entry `{ <protocol>: VALUE }` stands for a sink with this option set to VALUE. */
  readonly inline?: string
}
