import type { Outcome } from './delivery.ts'

/** Why a send failed, in the words of the metrics. */
export type FailureKind = 'refused' | 'throttled' | 'unavailable' | 'link_lost' | 'unexpected'

export type BreakerState = 'closed' | 'open' | 'half_open'

/** Why a source let a message go that its sender gave no guarantee. */
export type DropReason = 'buffer_full'

/** Why a reply did not reach its requester: after the request had expired, or for any other reason. */
export type ReplyFailure = 'late' | 'undeliverable'

/**
 * What happened on a route. `target` is '' where the mapping was at work and not yet a target. `link` is `source`, the
 * name of a target, or `dead_letter`, and then `place` says which. `route` is '' where it is about the whole process.
 */
export type RouteEvent = { readonly route: string } & (
  | { readonly type: 'received'; readonly size: number }
  | { readonly type: 'filtered'; readonly target: string }
  | { readonly type: 'looped' }
  /** Its time was over before it could be sent; it is dropped or a dead letter, as the route is told. */
  | { readonly type: 'expired'; readonly target: string }
  | { readonly type: 'reply_failed'; readonly reason: ReplyFailure }
  | {
      readonly type: 'sent'
      readonly target: string
      readonly seconds: number
      /** Some of its headers had no room of their own (`Prepared.packed`). */
      readonly packed: boolean
    }
  | {
      readonly type: 'send_failed'
      readonly target: string
      readonly kind: FailureKind
      readonly error: Error
      readonly attempt: number
    }
  | { readonly type: 'group_held'; readonly target: string; readonly group: string; readonly error: Error }
  | { readonly type: 'group_parked'; readonly target: string; readonly group: string }
  | { readonly type: 'unexpected'; readonly target: string; readonly error: Error }
  | { readonly type: 'dead_lettered'; readonly target: string; readonly to: string; readonly reason: string }
  | { readonly type: 'dead_letter_failed'; readonly to: string; readonly error: Error }
  | { readonly type: 'settled'; readonly outcome: Outcome }
  | { readonly type: 'lost'; readonly error?: Error }
  | { readonly type: 'dropped'; readonly reason: DropReason }
  /** So many messages became dead letters that the route is held until it is told to go on. */
  | { readonly type: 'paused'; readonly reason: string }
  | { readonly type: 'resumed' }
  /** Memory is short, of which this part is in use: buffers have this part of their bounds (1: all again). */
  | { readonly type: 'pressure'; readonly scale: number; readonly used: number }
  /** The event loop has been late for a while. */
  | { readonly type: 'late'; readonly seconds: number }
  | { readonly type: 'stalled'; readonly seconds: number }
  /** So many records came to last on the disk of the route's buffer. */
  | { readonly type: 'disk_synced'; readonly records: number; readonly seconds: number }
  /** There is no room on the disk for the reason given, or there is again. */
  | { readonly type: 'disk_full'; readonly reason?: string }
  /** The disk could not be written or read, which is tried again. */
  | { readonly type: 'disk_failed'; readonly error: Error }
  /** Records could not be read. What is left of them is set aside in the files `copies`, as far as anything is. */
  | {
      readonly type: 'disk_damaged'
      readonly copies: string
      readonly records: number
      readonly about: string
    }
  | { readonly type: 'link_up'; readonly link: string; readonly place?: string }
  | {
      readonly type: 'link_down'
      readonly link: string
      readonly place?: string
      readonly error: Error | undefined
    }
  /** The source was closed and so many messages given back, as their broker does not let them be held for longer. */
  | { readonly type: 'gave_back'; readonly messages: number; readonly error: Error }
  | {
      readonly type: 'breaker'
      readonly target: string
      readonly state: BreakerState
      readonly error?: Error
    }
  /** How many messages may be in flight to the target from now on, since it throttles; Infinity when that is over. */
  | { readonly type: 'concurrency'; readonly target: string; readonly limit: number }
  | { readonly type: 'notice'; readonly link: string; readonly text: string }
)

/**
 * All that the pipeline reports goes through this. The log and the metrics are its two readers; nothing in the
 * pipeline writes a log line or counts a metric itself.
 */
export type Report = (event: RouteEvent) => void
