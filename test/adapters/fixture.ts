import type { Schema, SourceKind, SourceOptions } from '../../src/core/adapter.ts'
import type { Body, Headers, Message, Properties } from '../../src/core/message.ts'

/** The part of an adapter that the source suite looks at. */
export interface SourceAdapter<C, O extends SourceOptions> {
  readonly connection: Schema<C>
  readonly source?: SourceKind<C, O>
}

/** What stands under `connections:` and under `from:` of a route, as people write it. */
export interface RawEndpoint {
  readonly connection: Readonly<Record<string, unknown>>
  readonly source: Readonly<Record<string, unknown>>
}

export interface TcpAddress {
  readonly host: string
  readonly port: number
}

/** One message that an independent client sends, and what must become of it. */
export interface Example {
  /** Completes "carries …", e.g. "an int64 beyond 2^53". */
  readonly title: string
  /** Sends one message to the place and waits for the broker's confirmation. */
  send(name: string): Promise<void>
  readonly expected: {
    readonly body?: Body
    /** Each must be equal; others may be there. */
    readonly headers?: Headers
    readonly properties?: Properties
    readonly annotations?: Headers
  }
}

/** A broker as the source suite needs it. Everything here is done by a client that is not the adapter. */
export interface SourceFixture {
  /** Where the broker listens; the suite puts its proxy in front. */
  readonly address: TcpAddress
  /**
   * Makes a place (queue, topic with a subscription or session …) with a name of its own, which keeps what is
   * produced there from now on until `endpoint(name)` has accepted it. Returns the name.
   */
  create(): Promise<string>
  /** The endpoint that reads the place, without TLS, by way of `via` (a proxy) instead of `address` when given. */
  endpoint(name: string, via?: TcpAddress): RawEndpoint
  /** Sends opaque bodies in this order; resolves once the broker has confirmed all of them. */
  produce(name: string, bodies: readonly Uint8Array[]): Promise<void>
  /** Bytes of the largest body that the broker takes, where that is less than 2 MiB. */
  readonly largestBody?: number
  /** How many messages the broker still keeps there, unsettled ones included, where it can be asked. */
  left?(name: string): Promise<number>
  /** Takes the link away from the broker's side while the TCP connection lives (deletes the queue, kicks the client). */
  detach?(name: string): Promise<void>
  /** The endpoint with this time limit, such as 300ms, for each step of opening; else that is `connect_timeout`. */
  limited?(raw: RawEndpoint, limit: string): RawEndpoint
  readonly examples: readonly Example[]
  close(): Promise<void>
}

/** The bytes of an opaque body, whichever kind the protocol takes it for. */
export function bytesOf({ body }: Message): Buffer {
  if (body.kind === 'bytes') return Buffer.from(body.bytes)
  if (body.kind === 'text') return Buffer.from(body.text)
  if (body.kind === 'none') return Buffer.alloc(0)
  throw new Error(`a body of kind ${body.kind}, where bytes were sent`)
}

/** The id that the suite's own messages carry as their body. */
export const idOf = (message: Message): string => bytesOf(message).toString()
