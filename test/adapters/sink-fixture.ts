import type { Prepared, Schema, SinkKind } from '../../src/core/adapter.ts'
import type { Message } from '../../src/core/message.ts'
import type { TcpAddress } from './fixture.ts'

/** The part of an adapter that the sink suite looks at. */
export interface SinkAdapter<C, O, P extends Prepared> {
  readonly connection: Schema<C>
  readonly sink?: SinkKind<C, O, P>
}

/** What stands under `connections:` and under a target of a route, as people write it. */
export interface RawTarget {
  readonly connection: Readonly<Record<string, unknown>>
  readonly sink: Readonly<Record<string, unknown>>
}

/** A message as an independent client of the protocol read it. */
export interface Received<N> {
  /** The body as it lies on the wire for such a client; empty where there is none. */
  readonly body: Buffer
  /** All of it, in the form that the fixture's own examples compare. */
  readonly native: N
}

/** One message that the sink sends, and what an independent client must then see. */
export interface SinkExample<N> {
  /** Completes "carries …", e.g. "an int64 beyond 2^53". */
  readonly title: string
  /** Without the address: that is the place's. */
  readonly message: Omit<Message, 'address'>
  /** Throws when the message is not there as it should be. */
  check(native: N): void
}

/** A broker as the sink suite needs it. Everything here is done by a client that is not the adapter. */
export interface SinkFixture<N> {
  /** Where the broker listens; the suite puts its proxy in front. */
  readonly address: TcpAddress
  /**
   * Makes a place (queue, topic with a session …) with a name of its own, which keeps what is sent there from now on
   * until `read` takes it. Returns the name.
   */
  create(): Promise<string>
  /** A target whose address is the place, without TLS, by way of `via` (a proxy) instead of `address` when given. */
  endpoint(name: string, via?: TcpAddress): RawTarget
  /** The same with a template for the address, to which `addressOf` gives what it comes to for one message. */
  templated?(via?: TcpAddress): RawTarget
  /** The address that a message of `templated` has for the place. */
  addressOf?(name: string): string
  /**
   * Takes messages away in the order in which they are there, waiting for them, up to and with the first of which
   * `isLast` says so; what comes behind it stays for the next `read`. A `Mailbox` does it for a client that is called.
   */
  read(name: string, isLast: (received: Received<N>) => boolean): Promise<unknown>
  /** Name of a place that does not exist, where the broker minds. */
  readonly missing?: string
  /**
   * Takes a place away, where the broker then refuses what is sent there. In the end the suite does so with each that
   * it made, read or not.
   */
  remove?(name: string): Promise<void>
  /** Makes the broker hold up its publishers, and go on. A broker of the fixture's own: others use the shared ones. */
  block?(): Promise<void>
  unblock?(): Promise<void>
  /** Bytes of the largest body that the broker takes, where that is less than 1 MiB. */
  readonly largestBody?: number
  /** How many messages a place takes that nobody has read, where that is less than 5,000. */
  readonly room?: number
  /** The broker takes no text with characters beyond the basic plane. */
  readonly basicPlane?: true
  /** The broker itself keeps no order: what arrives is then compared in any order. */
  readonly unordered?: true
  /** The target with this time limit, such as 300ms, for each step of opening and closing; else that is `connect_timeout`. */
  limited?(raw: RawTarget, limit: string): RawTarget
  readonly examples: readonly SinkExample<N>[]
  close(): Promise<void>
}

/** What a native client was handed and nobody has read yet: `put` by the client, `read` as a fixture has to. */
export class Mailbox<N> {
  readonly #waiting: Received<N>[] = []
  #reader: { readonly isLast: (received: Received<N>) => boolean; readonly done: () => void } | undefined

  put(received: Received<N>): void {
    this.#waiting.push(received)
    this.#hand()
  }

  /** Waits without end: the suite has its own limit. A read that is given up is followed by no other. */
  read(isLast: (received: Received<N>) => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#reader = { isLast, done: resolve }
    this.#hand()
    return promise
  }

  #hand(): void {
    for (let reader = this.#reader; reader && this.#waiting.length > 0; reader = this.#reader) {
      if (!reader.isLast(this.#waiting.shift()!)) continue
      this.#reader = undefined
      reader.done()
    }
  }
}
