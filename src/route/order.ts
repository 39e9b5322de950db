/** Written `ordering:` and `on_refused:`. */
export interface Order {
  /** `by_group`: messages with the same group id arrive in their order; `strict`: all messages do. */
  readonly ordering: 'none' | 'by_group' | 'strict'
  /** What becomes of those behind a message that is refused: they go on, or wait. */
  readonly onRefused: 'continue' | 'hold_group'
}
