import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'
import { matching } from '../../core/wildcards.ts'
import { type ReplyOptions, replyToHeader, tokenHeader } from './requests.ts'
import { readToken } from './token.ts'

/**
 * Gives a reply the address, the correlation id and the expiry of its request, which its token knows: in the header
 * `sluice_reply_token` or, where that is missing, in the correlation id. Throws MessageRefused for a token that is missing, forged,
 * for another connection or for an address where no reply may go; Expired for an expired one.
 */
export function replies(
  { keys, allow }: ReplyOptions,
  connections: ReadonlySet<string>,
): (message: Message) => Message {
  const isAllowed = matching(allow)
  return message => {
    const { [tokenHeader]: header, [replyToHeader]: _, ...headers } = message.headers
    const token = textOf(header ?? message.properties.correlationId)
    if (token === undefined) {
      throw new MessageRefused(
        `the reply has no token: its service has to echo the correlation id of the request, or its header ${tokenHeader}`,
      )
    }
    const { connection, address, correlationId, expiresAt } = readToken(keys, token)
    if (!connections.has(connection)) {
      throw new MessageRefused(
        `the reply is for a requester on ${connection}, and this route leads elsewhere`,
      )
    }
    if (!isAllowed(address)) {
      throw new MessageRefused(
        `the reply is for ${JSON.stringify(address)}, which no pattern of reply_to_allow covers`,
      )
    }
    const { replyTo: __, correlationId: ___, ...properties } = message.properties
    return {
      ...message,
      address,
      headers,
      properties: { ...properties, expiresAt, ...(correlationId && { correlationId }) },
    }
  }
}

/** Correlation data of MQTT are bytes. */
const textOf = (token: Value | undefined): string | undefined =>
  token?.type === 'bytes'
    ? Buffer.from(token.value).toString()
    : token?.type === 'string'
      ? token.value
      : undefined
