import type { Adapter, Warning } from '../../core/adapter.ts'
import { type ConnectionOptions, connectionOptions, type SourceOptions, sourceOptions } from './options.ts'
import { openSource } from './source.ts'

export const amqp10: Adapter<ConnectionOptions, SourceOptions, never> = {
  protocol: 'amqp10',
  connection: connectionOptions,
  source: {
    options: sourceOptions,
    canReject: true,
    holdLimit: () => 20 * 60_000,
    isExclusive: at => at.options.exclusive || at.options.subscription !== undefined,
    warnings: () => [] as Warning[],
    open: openSource,
  },
}
