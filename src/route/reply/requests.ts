import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import { text } from '../../core/value.ts'
import { matching } from '../../core/wildcards.ts'
import { Expired } from '../expiry.ts'
import { type SigningKey, signToken } from './token.ts'

/** Written `request_reply:` of the file. */
export interface ReplyOptions {
  /** The first one signs, all are believed. */
  readonly keys: readonly SigningKey[]
  /** Patterns of the addresses that replies may go to. */
  readonly allow: readonly string[]
}

/** Written `request:` of a route. */
export interface RequestOptions {
  /** Where the answering side sends replies: the address that a route with `reply: true` reads. */
  readonly replyTo: string
  /** Milliseconds that the requester waits. */
  readonly timeout: number
}

/** The headers in which services without correlation ids find what they echo, and where they send it. */
export const tokenHeader = 'sluice_reply_token'
export const replyToHeader = 'sluice_reply_to'

/**
 * Makes a request one that the other side can answer: its reply-to becomes `replyTo`, its correlation id a token that
 * knows the way back, and both are there as headers too. The reply has the correlation id of the request or, as JMS
 * does it, its message id. A message without a reply-to goes on as it is. Throws MessageRefused for one that points where no
 * reply may go, or that nobody waits for any more.
 */
export function requests(
  { replyTo, timeout }: RequestOptions,
  { keys, allow }: ReplyOptions,
  connection: string,
): (message: Message) => Message {
  const isAllowed = matching(allow)
  return message => {
    const { properties } = message
    const address = properties.replyTo
    if (address === undefined) return message
    if (!isAllowed(address)) {
      throw new MessageRefused(
        `the request wants its reply at ${JSON.stringify(address)}, which no pattern of reply_to_allow covers`,
      )
    }
    const now = Date.now()
    const expiresAt = Math.min(now + timeout, properties.expiresAt ?? Number.POSITIVE_INFINITY)
    if (expiresAt <= now) throw new Expired('the request has expired: its requester has stopped waiting')
    const correlationId = properties.correlationId ?? properties.messageId
    const token = text(
      signToken(keys[0]!, { connection, address, expiresAt, ...(correlationId && { correlationId }) }),
    )
    return {
      ...message,
      properties: { ...properties, replyTo, correlationId: token, expiresAt },
      headers: { ...message.headers, [replyToHeader]: text(replyTo), [tokenHeader]: token },
    }
  }
}
