import type { Outcome } from './delivery.ts'

/** Why a send failed, in the words of the metrics. */
export type FailureKind = 'refused' | 'unavailable' | 'link_lost' | 'unexpected'

export type BreakerState = 'closed' | 'open' | 'half_open'

/**
 * All that the pipeline reports. The log and the metrics are its two readers; nothing in the pipeline writes a log
 * line or counts a metric itself.
 */
export type RouteEvent =
  | { readonly type: 'received'; readonly route: string; readonly size: number }
  | { readonly type: 'filtered'; readonly route: string }
  | { readonly type: 'sent'; readonly route: string; readonly target: string; readonly seconds: number }
  | {
      readonly type: 'send_failed'
      readonly route: string
      readonly target: string
      readonly kind: FailureKind
      readonly error: Error
      readonly attempt: number
    }
  | {
      readonly type: 'dead_lettered'
      readonly route: string
      /** The target that refused, or '' when the mapping did. */
      readonly target: string
      /** Where the record went. */
      readonly to: string
      readonly error: Error
    }
  | {
      readonly type: 'dead_letter_failed'
      readonly route: string
      readonly to: string
      readonly error: Error
    }
  | { readonly type: 'settled'; readonly route: string; readonly outcome: Outcome }
  | { readonly type: 'lost'; readonly route: string }
  | { readonly type: 'dropped'; readonly route: string; readonly reason: DropReason }
  | { readonly type: 'link_up'; readonly route: string; readonly link: string }
  | {
      readonly type: 'link_down'
      readonly route: string
      readonly link: string
      readonly error: Error | undefined
    }
  | {
      readonly type: 'breaker'
      readonly route: string
      readonly target: string
      readonly state: BreakerState
      readonly error?: Error
    }
  | { readonly type: 'notice'; readonly route: string; readonly link: string; readonly text: string }

/** Why a source let a message go that nobody guarantees: MQTT QoS 0 beyond the buffer. */
export type DropReason = 'qos0_buffer_full'

export type Report = (event: RouteEvent) => void
