import type { LinkEvent } from '../core/adapter.ts'
import type { Outcome } from '../core/delivery.ts'
import type { ReplyFailure, Report } from '../core/events.ts'
import type { DeadLetterReport } from './dead-letter/dead-letters.ts'
import type { IntakeReport } from './intake.ts'
import type { TargetReport } from './target.ts'

/** Turns what the stages of one route say into its `RouteEvent`s. */
export function reporter(route: string, report: Report) {
  const linkEvent = (link: string, event: LinkEvent) => {
    if (event.type === 'dropped') report({ type: 'dropped', route, reason: event.reason })
    else report({ type: 'notice', route, link, text: event.text })
  }
  return {
    looped: () => report({ type: 'looped', route }),
    replyFailed: (reason: ReplyFailure) => report({ type: 'reply_failed', route, reason }),
    filtered: (target = '') => report({ type: 'filtered', route, target }),
    settled: (outcome: Outcome) => report({ type: 'settled', route, outcome }),
    lost: (error?: Error) => report({ type: 'lost', route, ...(error && { error }) }),
    expired: (target: string) => report({ type: 'expired', route, target }),
    stalled: (seconds: number) => report({ type: 'stalled', route, seconds }),
    unexpected: (target: string, error: Error) => report({ type: 'unexpected', route, target, error }),

    /** `changed` is called when the route is held, and when it goes on. */
    ofPause:
      (changed: () => void) =>
      (reason: string | undefined): void => {
        report(reason === undefined ? { type: 'resumed', route } : { type: 'paused', route, reason })
        changed()
      },

    /** `changed` is called when deliveries that waited are lost. */
    ofSource: (changed: () => void): IntakeReport => ({
      received: size => report({ type: 'received', route, size }),
      lost: () => report({ type: 'lost', route }),
      up: () => report({ type: 'link_up', route, link: 'source' }),
      down: error => {
        report({ type: 'link_down', route, link: 'source', error })
        changed()
      },
      gaveBack: (messages, error) => {
        report({ type: 'gave_back', route, messages, error })
        changed()
      },
      event: event => linkEvent('source', event),
    }),

    /** `changed` is called when the target may have become available. */
    ofTarget: (target: string, changed: () => void): TargetReport => ({
      room: changed,
      sent: (seconds, packed) => report({ type: 'sent', route, target, seconds, packed }),
      failed: (kind, error, attempt) => {
        report({ type: 'send_failed', route, target, kind, error, attempt })
        changed()
      },
      breaker: (state, error) => {
        report({ type: 'breaker', route, target, state, ...(error && { error }) })
        changed()
      },
      concurrency: limit => report({ type: 'concurrency', route, target, limit }),
      linkUp: () => {
        report({ type: 'link_up', route, link: target })
        changed()
      },
      linkDown: error => report({ type: 'link_down', route, link: target, error }),
      held: (group, error) => report({ type: 'group_held', route, target, group, error }),
      parked: group => report({ type: 'group_parked', route, target, group }),
      event: event => linkEvent(target, event),
    }),

    ofDeadLetters: (): DeadLetterReport => ({
      stored: ({ target, reason }, to) => report({ type: 'dead_lettered', route, target, to, reason }),
      failed: (to, error) => report({ type: 'dead_letter_failed', route, to, error }),
      linkUp: place => report({ type: 'link_up', route, link: 'dead_letter', place }),
      linkDown: (place, error) => report({ type: 'link_down', route, link: 'dead_letter', place, error }),
    }),
  }
}
