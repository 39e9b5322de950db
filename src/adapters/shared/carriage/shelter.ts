import type { Headers, Message } from '../../../core/message.ts'
import { type Restored, restored } from './restore.ts'

/** Goes before the name of an application's header that the protocol or one of its brokers would take for its own. */
export const shelter = 'sluice_header_'

/** As `restored`, where headers of the message have the names that they were given for shelter. */
export function restoredFromShelter(message: Message): Restored {
  const again = restored(message)
  if (again.message === message) return again
  return { ...again, message: { ...again.message, headers: unsheltered(again.message.headers) } }
}

function unsheltered(headers: Headers): Headers {
  const names = Object.keys(headers)
  if (!names.some(name => name.startsWith(shelter))) return headers
  return Object.fromEntries(
    names.map(name => [name.startsWith(shelter) ? name.slice(shelter.length) : name, headers[name]!]),
  )
}
