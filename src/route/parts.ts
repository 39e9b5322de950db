import type { Retry } from './backoff.ts'
import type { BreakerOptions } from './breaker.ts'
import type { BufferLimits } from './buffer.ts'
import type { DeadLetterPlace } from './dead-letter/dead-letters.ts'
import type { ExpiredChoice } from './expiry.ts'
import type { FloodOptions } from './flood.ts'
import type { IntakeParts } from './intake.ts'
import type { Order } from './order.ts'
import type { StageParts } from './stages.ts'
import type { TargetSink } from './target.ts'

/** All that a route is made of. */
export interface RouteParts extends StageParts {
  readonly name: string
  readonly source: IntakeParts
  readonly buffer: BufferLimits
  readonly targets: ReadonlyMap<string, TargetSink>
  readonly deadLetters: readonly DeadLetterPlace[]
  readonly retry: Retry & { readonly maxAttempts: number }
  readonly breaker: BreakerOptions
  readonly order: Order
  readonly expired: ExpiredChoice
  /** Absent: nothing holds the route. */
  readonly deadLetterPause?: FloodOptions
  /** Messages a second to each target; absent: no limit. */
  readonly maxRate?: number | undefined
}
