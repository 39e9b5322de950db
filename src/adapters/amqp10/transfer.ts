import type { Message } from '../../core/message.ts'
import { type Restored, restored } from '../shared/carriage/restore.ts'
import { unsheltered } from '../shared/carriage/shelter.ts'
import { takenApart } from '../shared/cloudevents/cloudevents.ts'
import { decode, withoutOwn } from './codec.ts'
import type { Read } from './delivery.ts'
import type { Dialect } from './dialect.ts'
import type { SourceOptions } from './options.ts'

/** The bytes of a transfer as a message of the source with these options. */
export function readTransfer(
  bytes: Buffer,
  { topic, queue, address, format }: SourceOptions,
  dialect: Dialect,
): Read {
  const decoded = decode(bytes, (queue ?? topic ?? address)!, Date.now())
  const native = withoutOwn(asItWas(decoded.message))
  const { message, fault } = format === 'cloudevents' ? takenApart(native, false) : native
  const concrete = topic !== undefined && decoded.to !== undefined
  return {
    message: concrete ? { ...message, address: dialect.topicOf(decoded.to!) } : message,
    size: bytes.length,
    deliveryCount: decoded.deliveryCount,
    assignedId: decoded.message.properties.messageId,
    fault,
  }
}

/** What a sink of ours has written becomes what it was given; any other message stays as it is. */
function asItWas(message: Message): Restored {
  const again = restored(message)
  if (again.message === message) return again
  return { ...again, message: { ...again.message, headers: unsheltered(again.message.headers) } }
}
