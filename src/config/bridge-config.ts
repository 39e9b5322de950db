import type { Adapter, Endpoint, SinkKind, SourceKind, SourceOptions } from '../core/adapter.ts'
import type { LoadedRule } from './mapping-files.ts'
import type { File, RouteInFile } from './schema.ts'

/** An adapter whose types nobody outside its folder knows. */
export type AnyAdapter = Adapter<unknown, SourceOptions, unknown>

export interface SourceEnd {
  readonly kind: SourceKind<unknown, SourceOptions>
  readonly protocol: string
  readonly at: Endpoint<unknown, SourceOptions>
}

export interface SinkEnd {
  readonly kind: SinkKind<unknown, unknown>
  readonly protocol: string
  readonly at: Endpoint<unknown, unknown>
}

/** A target with the rules that are its own. */
export interface TargetEnd extends SinkEnd {
  readonly mapping: readonly LoadedRule[]
  /** Patterns that the address of a message has to match, where it chooses that itself. */
  readonly allow?: readonly string[] | undefined
}

export type DeadLetterEnd =
  | { readonly name: string; readonly end: SinkEnd }
  | { readonly name: string; readonly broker: true }

/** A route with its defaults filled in and its ends bound to their adapters. */
export interface RouteConfig {
  readonly name: string
  readonly from: SourceEnd
  /** The rules of the defaults, then those of the route. */
  readonly mapping: readonly LoadedRule[]
  readonly targets: ReadonlyMap<string, TargetEnd>
  readonly deadLetters: readonly DeadLetterEnd[]
  readonly buffer: File['defaults']['buffer']
  readonly retry: File['defaults']['retry']
  readonly breaker: File['defaults']['breaker']
  readonly maxRate: number | undefined
  readonly expired: 'drop' | 'dead_letter'
  readonly deadLetterPause: File['defaults']['dead_letter_pause']
  readonly ordering: 'none' | 'by_group' | 'strict'
  readonly onRefused: RouteInFile['on_refused']
  readonly request: RouteInFile['request']
  readonly reply: boolean
  readonly maxHops: number
  readonly loop: RouteInFile['loop']
}

export interface ConnectionConfig {
  readonly name: string
  readonly adapter: AnyAdapter
  /** One object for all ends that name the connection. */
  readonly options: unknown
}

/** All that the bridge is built from. */
export interface BridgeConfig {
  readonly connections: ReadonlyMap<string, ConnectionConfig>
  readonly routes: readonly RouteConfig[]
  /** The name of this bridge in the trail of messages. */
  readonly id: string
  readonly requestReply: File['request_reply']
  readonly tests: NonNullable<File['tests']>
  readonly admin: File['admin']
  readonly logLevel: File['log_level']
  readonly stopTimeout: number
}
