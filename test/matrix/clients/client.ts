import type { Specimen } from '../aspects.ts'

/** What a client that is not Sluice sees of a message, in the words of its protocol (show.ts). */
export interface Seen {
  readonly specimen: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** By their names in `Properties`. Those that went into `sluice_properties` are there as that, see `withCarried`. */
  readonly properties: Readonly<Record<string, string>>
}

type Keys = Readonly<Record<string, unknown>>

/** A broker and a protocol: how to reach its places with a client that is not Sluice, and what Sluice is configured with. */
export interface Client {
  readonly connection: Keys
  /** The keys of a route's `from`, and of a target, for a place. */
  source(place: string): Keys
  sink(place: string): Keys
  make(place: string): Promise<void>
  /** Hands over what arrives at the place from now on. */
  receive(place: string, seen: (seen: Seen) => void): Promise<void>
  /** Writes what the protocol can say by itself, and that only; as many at a time as the protocol likes. */
  send(place: string, specimens: readonly Specimen[]): Promise<void>
  close(): Promise<void>
}

/** Where a property is that has no place of its own in the protocol. */
export const carried = '`sluice_properties`'

/** The properties that are seen, with those that stand in the JSON of `sluice_properties`. */
export function withCarried(
  own: Readonly<Record<string, string | undefined>>,
  json: string | undefined,
): Record<string, string> {
  const names = json === undefined ? [] : Object.keys(JSON.parse(json))
  const seen = Object.entries(own).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return { ...Object.fromEntries(names.map(name => [name, carried])), ...Object.fromEntries(seen) }
}
