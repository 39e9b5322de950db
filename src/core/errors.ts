/**
 * Errors ranked by what they mean for the message and for the target. A sink throws one of these three; whatever
 * else it throws is taken for a bug or an answer nobody knows, tried a few times and then dead-lettered.
 */

/** The message is at fault: it is dead-lettered at once, and the breaker never hears of it. */
export class MessageRefused extends Error {
  override readonly name = 'MessageRefused'
}

/** Not now: throttled, 5xx, timed out, access denied, missing. Tried again for ever; counts for the breaker once a call. */
export class SinkUnavailable extends Error {
  override readonly name = 'SinkUnavailable'
  /** It was too much at a time: less is sent at a time before the breaker hears of it. */
  readonly throttled: boolean
  /** Milliseconds for which a target that throttles asks to be left alone. */
  readonly retryAfter: number | undefined

  constructor(
    message?: string,
    options?: ErrorOptions & { readonly throttled?: boolean; readonly retryAfter?: number | undefined },
  ) {
    super(message, options)
    this.throttled = options?.throttled ?? false
    this.retryAfter = options?.retryAfter
  }
}

/** The connection or link is gone. The message is tried on the next link; the breaker hears of it once a link. */
export class LinkLost extends Error {
  override readonly name = 'LinkLost'
  /** Milliseconds for which nobody should open another link, as when another client holds the session now. */
  readonly retryAfter: number | undefined

  constructor(message?: string, options?: ErrorOptions & { readonly retryAfter?: number }) {
    super(message, options)
    this.retryAfter = options?.retryAfter
  }
}

/** Whatever was thrown, as an Error. */
export const toError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(String(thrown))

/** An error's message with those of its causes, outermost first, joined by ": ", nothing said twice. */
export function sentence(thrown: unknown): string {
  const said: string[] = []
  for (let e: unknown = thrown; e !== undefined && e !== null && said.length < 6; ) {
    const message = toError(e).message || toError(e).name
    if (!said.some(s => s.includes(message))) said.push(message)
    e =
      e instanceof AggregateError && e.cause === undefined
        ? e.errors[0]
        : e instanceof Error
          ? e.cause
          : undefined
  }
  return said.join(': ')
}
