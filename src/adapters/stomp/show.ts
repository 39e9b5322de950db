import type { Endpoint, Limits, Shown } from '../../core/adapter.ts'
import { unescapeHeader } from './codec.ts'
import { expirationOf, maxSizeOf, type StompPrepared } from './encode.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'

type At = Endpoint<ConnectionOptions, SinkOptions>

export const usualLimits = ({ connection, options }: At): Limits => ({
  maxMessageSize: maxSizeOf(connection.broker === 'rabbitmq', options),
})

/** The SEND frame: its headers as they were before escaping, in their order. They have no types. */
export function show(_at: unknown, { head, body, target, version, expiresAt }: StompPrepared): Shown {
  const lines = head.split('\n').filter(line => line !== '')
  const fields = lines.map(line => {
    const colon = line.indexOf(':')
    const [name = '', value = ''] = [line.slice(0, colon), line.slice(colon + 1)]
    return { name: unescapeHeader(name, version), value: unescapeHeader(value, version) }
  })
  const left = expirationOf(expiresAt)
  const rest = left === undefined ? [] : [{ name: 'expiration', value: left }]
  const beside = fields.filter(({ name }, i) => i > 0 || name !== 'destination')
  return { address: target.destination, body: body, fields: [...beside, ...rest] }
}
