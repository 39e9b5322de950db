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
    isExclusive: at => at.options.exclusive || at.options.subscription !== undefined,
    open: openSource,
  },
}
