import type { Adapter } from '../../core/adapter.ts'
import { holdLimit } from './lease.ts'
import { type ConnectionOptions, connectionOptions, type SourceOptions, sourceOptions } from './options.ts'
import { openSource } from './source.ts'

export const amqp10: Adapter<ConnectionOptions, SourceOptions, never> = {
  protocol: 'amqp10',
  connection: connectionOptions,
  source: {
    options: sourceOptions,
    canReject: true,
    holdLimit: at => holdLimit(at.connection),
    orderProblem: ({ options: { exclusive, topic } }) =>
      exclusive || topic !== undefined
        ? undefined
        : 'another consumer of the queue could overtake this one: write exclusive: true',
    open: openSource,
  },
}
