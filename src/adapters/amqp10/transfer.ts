import { restoredFromShelter } from '../shared/carriage/shelter.ts'
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
  const native = withoutOwn(restoredFromShelter(decoded.message))
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
