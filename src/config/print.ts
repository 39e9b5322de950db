import { stringify } from 'yaml'
import { z } from 'zod'
import type { Schema } from '../core/adapter.ts'
import type { SinkEnd, SourceEnd } from './bridge-config.ts'
import type { Loaded } from './load.ts'
import { fileSchema } from './schema.ts'

/**
 * The effective configuration as YAML: every default filled in, durations and sizes as people write them, passwords as
 * `***`, and what came from `${env:…}` or `${file:…}` as it was written. It is one file, whatever was included or repeated, and
 * loads again once the passwords are put back.
 */
export function printConfig({ config, file, references }: Loaded): string {
  const { defaults, routes: asWritten, connections: ___, include: ____, ...rest } = z.encode(fileSchema, file)
  const connections = Object.fromEntries(
    Array.from(config.connections.values(), ({ name, adapter, options }) => [
      name,
      { protocol: adapter.protocol, ...encode(adapter.connection, options) },
    ]),
  )
  const routes = Object.fromEntries(
    config.routes.map(route => {
      const written = z.encode(fileSchema.shape.defaults.unwrap(), {
        ...file.defaults,
        buffer: route.buffer,
        retry: route.retry,
        breaker: route.breaker,
        dead_letter_pause: route.deadLetterPause,
      })
      const own = asWritten[route.name]!
      return [
        route.name,
        {
          from: encodeEnd(route.from),
          mapping: [...(defaults?.mapping ?? []), ...(own.mapping ?? [])],
          ordering: route.ordering,
          on_refused: route.onRefused,
          ...(own.request && { request: own.request }),
          ...(route.reply && { reply: true }),
          max_hops: route.maxHops,
          loop: route.loop,
          buffer: written.buffer,
          retry: written.retry,
          breaker: written.breaker,
          ...(route.maxRate !== undefined && { max_rate: route.maxRate }),
          expired: route.expired,
          dead_letter_pause: written.dead_letter_pause,
          targets: Object.fromEntries(
            Array.from(route.targets, ([target, end]) => {
              const { mapping = [], allow } = own.targets[target] ?? {}
              return [
                target,
                { ...encodeEnd(end), ...(allow && { allow }), ...(mapping.length > 0 && { mapping }) },
              ]
            }),
          ),
          dead_letter: route.deadLetters.map(place => {
            if ('broker' in place) return { broker: true }
            const { connection, ...keys } = encodeEnd(place.end)
            return connection === ''
              ? { [place.end.protocol]: Object.values(keys)[0] }
              : { connection, ...keys }
          }),
        },
      ]
    }),
  )
  return stringify(
    masked({ connections, routes, ...rest }, text => references.mask(text)),
    { lineWidth: 110 },
  )
}

const encode = (schema: Schema<unknown>, parsed: unknown): Record<string, unknown> =>
  z.encode(schema as unknown as z.ZodType, parsed) as Record<string, unknown>

const encodeEnd = ({ kind, at }: SourceEnd | SinkEnd): Record<string, unknown> => ({
  connection: at.connectionName,
  ...encode(kind.options, at.options),
})

function masked(data: unknown, mask: (text: string) => string): unknown {
  if (typeof data === 'string') return mask(data)
  if (Array.isArray(data)) return data.map(item => masked(item, mask))
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, masked(v, mask)]))
}
