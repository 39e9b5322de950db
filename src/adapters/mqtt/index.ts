import type { Adapter } from '../../core/adapter.ts'
import { openSource } from './open.ts'
import {
  type ConnectionOptions,
  connectionOptions,
  type SourceOptions,
  sourceOptions,
  warnings,
} from './options.ts'

export const mqtt: Adapter<ConnectionOptions, SourceOptions, never> = {
  protocol: 'mqtt',
  connection: connectionOptions,
  source: {
    options: sourceOptions,
    canReject: false,
    holdLimit: () => Number.POSITIVE_INFINITY,
    isExclusive: at => at.options.share === undefined,
    warnings,
    open: openSource,
  },
}
