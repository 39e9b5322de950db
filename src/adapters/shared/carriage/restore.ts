import { MessageRefused } from '../../../core/errors.ts'
import type { Message } from '../../../core/message.ts'
import { restoredBody } from './body.ts'
import { restoredHeaders } from './headers.ts'
import { parseProperties, propertiesName } from './properties.ts'

export interface Restored {
  readonly message: Message
  /** Why the message cannot be restored; then `message` is as it came. */
  readonly fault?: MessageRefused
}

/**
 * A message as it was before a sink of ours wrote it for a protocol that has no place for parts of it: takes the header
 * `sluice_properties` out and applies what it says. Any other message comes back
 * unchanged, also one whose header of that name was written by somebody else.
 */
export function restored(message: Message): Restored {
  const own = Object.hasOwn(message.headers, propertiesName) ? message.headers[propertiesName] : undefined
  const carried = own?.type === 'string' ? parseProperties(own.value) : undefined
  if (!carried) return { message }
  const { [propertiesName]: _, ...headers } = message.headers
  try {
    return {
      message: {
        ...message,
        body: restoredBody(message.body, carried.notes),
        headers: restoredHeaders(headers, carried.notes.headers),
        properties: { ...message.properties, ...carried.properties },
      },
    }
  } catch (error) {
    if (!(error instanceof MessageRefused)) throw error
    return { message, fault: error }
  }
}
