import type { Headers } from '../../../core/message.ts'

/** Goes before the name of an application's header that the protocol or one of its brokers would take for its own. */
export const shelter = 'sluice_header_'

/** The headers by their own names, of a message that a sink of ours wrote. */
export function unsheltered(headers: Headers): Headers {
  const names = Object.keys(headers)
  if (!names.some(name => name.startsWith(shelter))) return headers
  return Object.fromEntries(
    names.map(name => [name.startsWith(shelter) ? name.slice(shelter.length) : name, headers[name]!]),
  )
}
