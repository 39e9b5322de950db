import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { MemoryConnection, MemorySinkOptions } from './options.ts'

export interface MemoryPrepared extends Prepared {
  readonly message: Message
}

/** Bytes of the body; other than for text and bytes only roughly. */
export function messageSize({ body }: Message): number {
  switch (body.kind) {
    case 'text':
      return Buffer.byteLength(body.text)
    case 'bytes':
    case 'object':
      return body.bytes.length
    case 'map':
      return body.entries.length * 32
    case 'list':
      return body.items.length * 16
    case 'none':
      return 0
  }
}

export function prepare(
  _at: Endpoint<MemoryConnection, MemorySinkOptions>,
  limits: Limits,
  message: Message,
): MemoryPrepared {
  const size = messageSize(message)
  if (size > limits.maxMessageSize) {
    throw new MessageRefused(`the message has ${size} bytes, the queue takes ${limits.maxMessageSize}`)
  }
  return { message, size }
}
