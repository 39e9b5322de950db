import type { Prepared } from '../core/adapter.ts'
import type { Message } from '../core/message.ts'

/** Written `ordering:` and `on_refused:`. */
export interface Order {
  /** `by_group`: messages with the same group id arrive in their order; `strict`: all messages do. */
  readonly ordering: 'none' | 'by_group' | 'strict'
  /** What becomes of those behind a message that is refused: they go on, or wait. */
  readonly onRefused: 'continue' | 'hold_group'
}

/** The lane in which a message waits for those before it; undefined when nothing has to be waited for. */
export function laneOf(
  { ordering }: Order,
  { properties: { groupId } }: Message,
  prepared?: Prepared,
): string | undefined {
  if (ordering === 'strict') return ''
  return prepared?.orderGroup ?? (ordering === 'by_group' ? groupId : undefined)
}
